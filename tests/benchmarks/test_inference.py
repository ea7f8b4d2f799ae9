"""What computes the network in the benchmark computes the same images."""

import importlib
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT

from mcnet.networks.architectures.unet import UNetConfig


@pytest.fixture
def inference(monkeypatch):
    """The benchmark, a plain script, without compilation, which takes half a minute."""
    pytest.importorskip("psutil")
    pytest.importorskip("onnxscript")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(torch, "compile", lambda network: network)
    yield importlib.import_module("inference")
    for name in ("inference", "timing", "page"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_every_side_computes_the_same_images(inference, tmp_path, rng):
    config = UNetConfig(levels=2, width=3, head="residual", fold=2)
    sides = inference.sides(inference.model_of(config, tmp_path / "m.safetensors"), tmp_path)
    images = rng.random((3, 1, 19, 24), dtype=np.float32)
    expected = sides.pop("PyTorch as it is")(images)
    assert inference.OURS in sides
    assert np.abs(expected - images).max() > 0.01
    for name, side in sides.items():
        assert np.allclose(side(images), expected, atol=1e-5), name
