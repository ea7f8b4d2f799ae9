"""The header of a file of weights, read without the library that wrote it."""

import json

import pytest
from tiny_models import random_network

from mcnet.core.errors import McnetError
from mcnet.correction.models import WEIGHTS
from mcnet.networks.cards import read_card, read_header
from mcnet.networks.model_card import ModelCard
from mcnet.networks.weights import load_network, save_network

SHIPPED = sorted(path for path in WEIGHTS.glob("*.safetensors") if path.stem != "severity")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_parameters_are_counted_as_the_network_counts_them(path):
    assert read_header(path).n_parameters == load_network(path).n_parameters > 1000


def test_the_card_is_what_was_written(tmp_path):
    path = tmp_path / "a.safetensors"
    save_network(path, random_network(), card=ModelCard(licence="CC0", seed=4))
    assert read_card(path) == ModelCard(licence="CC0", seed=4, architecture="unet")


def header(content, rest=b""):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return len(text).to_bytes(8, "little") + text + rest


NETWORK = {"__metadata__": {"mcnet-network": '{"network": {}}'}}
TENSOR = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "no whole safetensors file"),
        (b"\xff" * 16, "no whole safetensors file"),
        (header(b"[" * 100_000), "no whole safetensors file"),
        (header([1]), "no whole safetensors file"),
        (header({**NETWORK, "a": 3}), "no whole safetensors file"),
        (header({**NETWORK, "a": {**TENSOR, "shape": "x"}}, b"1234"), "no whole safetensors file"),
        (header({**NETWORK, "a": TENSOR}, b"123"), "no whole safetensors file"),
        (header({}), "weights of another program"),
        (header({"__metadata__": 3}), "weights of another program"),
        (header({"__metadata__": {"mcnet-network": "[]"}}), "weights of another program"),
        (header({"__metadata__": {"mcnet-network": '{"network": 3}'}}), "of another program"),
        (header({"__metadata__": {"mcnet-network": "{"}}), "is no JSON"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(tmp_path, content, sentence):
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(McnetError, match=sentence):
        read_header(tmp_path / "a.safetensors")
