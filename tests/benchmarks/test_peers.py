"""The sides of the benchmarks make the same images, so that their times can be compared."""

import importlib
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT
from properties import plain_spectrum, relative_error

from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition

VOXEL_MM = (2.0, 3.0, 2.5)
PACKAGES = {
    "bare_finufft": "finufft",
    "torchkbnufft": "torchkbnufft",
    "mri_nufft": "mrinufft",
    "mri_nufft_tuned": "mrinufft",
}
ERRORS = {"bare_finufft": 1e-4, "torchkbnufft": 3e-3, "mri_nufft": 1e-4, "mri_nufft_tuned": 1e-4}
NAMES = ("peers", "scans", "timing", "page")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torchkbnufft's use of torch.jit
]


@pytest.fixture
def bench(monkeypatch):
    """Modules of the folder of plain scripts, by their names."""
    pytest.importorskip("psutil")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield importlib.import_module
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.fixture(params=["in plane", "six degrees"])
def scan(request, bench, rng):
    """A few slices, or a volume, of unequal sides."""
    acquisition = Acquisition(matrix=(9, 12, 7), fov_mm=(40.0, 66.0, 45.0), order="centric")
    motion = generate_motion(acquisition.n_lines, rng).scaled(8.0)
    if request.param == "in plane":
        motion = motion.restricted_to("rotation+translation")
        images = (rng.random((3, 22, 18)) + 0.5j).astype(np.complex64)
    else:
        images = rng.random((1, 20, 22, 18), dtype=np.float32)
    return bench("scans").Scan(images, VOXEL_MM, motion, acquisition)


@pytest.fixture
def exact(bench, scan):
    scans = bench("scans")
    return scans.images_of(scans.exact_spectra(scan), scan)


def test_the_truth_is_a_plain_sum(bench, scan):
    scans = bench("scans")
    spectra = scans.exact_spectra(scan)
    sizes = [VOXEL_MM[axis] for axis in scan.axes]
    frequencies = scan.points[:, ::17] / (2 * np.pi * np.array(sizes)[:, None])
    plain = plain_spectrum(scan.images[-1], sizes, frequencies)
    assert relative_error(spectra[-1, ::17], plain) < 1e-10
    assert scans.plain_sum_error(spectra, scan) < 1e-10
    spectra[0, :] *= 1.001
    assert scans.plain_sum_error(spectra, scan) > 1e-5


def test_ours_is_near_the_truth(bench, scan, exact):
    assert relative_error(bench("peers").ours(scan).new_trace(), exact) < 1e-4


@pytest.mark.parametrize("name", PACKAGES)
def test_a_peer_makes_the_same_images(bench, scan, exact, name):
    pytest.importorskip(PACKAGES[name])
    peer = getattr(bench("peers"), name)(scan)
    for call in (peer.new_trace, peer.ready or peer.new_trace):
        images = peer.to_images(call())
        assert images.shape == exact.shape
        assert relative_error(images, exact) < ERRORS[name]


def test_motion_matters_to_the_comparison(bench, scan, exact):
    still = replace(scan, motion=scan.motion.scaled(0.0))
    assert relative_error(bench("peers").ours(still).new_trace(), exact) > 0.05


def test_sides_take_turns(bench):
    order = []
    calls = {name: lambda name=name: order.append(name) for name in ("a", "b")}
    times = bench("timing").take_turns(calls, 2, {"b": 1})
    assert order == ["a", "a", "b", "a", "a"]  # a runs untimed before each time, b only once
    assert [len(times[name].seconds) for name in ("a", "b")] == [2, 1]


def test_a_volume_is_cut_and_filled_about_its_middle(bench):
    fitted = bench("scans").fitted
    volume = np.zeros((9, 12, 7), np.float32)
    volume[4, 6, 3] = 1
    found = fitted(volume, (6, 15, 7))
    assert found.shape == (6, 15, 7)
    assert found[3, 7, 3] == 1
    assert found.sum() == 1
