"""Network weights in files: safetensors with their configuration and provenance, never pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mcnet.documents import parse_json
from mcnet.errors import McnetError
from mcnet.learning.network import NetworkConfig, UNet
from mcnet.provenance import provenance, written_whole

_KEY = "mcnet-network"
"""The one metadata key: with several, safetensors writes them in random order."""
_PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin"}
_PICKLE_BEGINNINGS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def save_network(path: Path, network: UNet, *, card: Mapping[str, Any], half: bool = False) -> None:
    """Write a network's weights with their model card: data, seeds, metrics, licence, limits.

    The card holds what JSON can hold; configuration and provenance are added to it. ``half``
    stores convolutions in half precision, in half the room; they come back in single precision.
    """
    write_tensors(path, network.state_dict(), asdict(network.config), card=card, half=half)


def write_tensors(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    config: Mapping[str, Any],
    *,
    card: Mapping[str, Any],
    half: bool = False,
) -> None:
    """Write tensors with the configuration that they belong to, as `save_network` does."""
    about = {
        "network": dict(config),
        "provenance": provenance(seed=card.get("seed")),
        "card": dict(card),
    }
    stored = {name: _stored(tensor.detach().cpu(), half) for name, tensor in tensors.items()}
    with written_whole(path) as temporary:
        save_file(stored, temporary, metadata={_KEY: json.dumps(about, sort_keys=True)})
        # safetensors lets its writer alone read a file, and others are to use the weights
        temporary.chmod(0o644)


def load_network(path: Path) -> UNet:
    """Network of a weights file, in evaluation mode on the CPU.

    Raises
    ------
    McnetError
        The file is missing, a pickle, damaged, or not mcnet's.
    """
    about, tensors = read_tensors(path)
    try:
        config = NetworkConfig(**about["network"])
        with torch.device("meta"):  # a network that the tensors do not fill may fill the memory
            expected = UNet(config).state_dict()
        if {name: value.shape for name, value in expected.items()} != {
            name: value.shape for name, value in tensors.items()
        }:
            raise ValueError("other tensors than the network has")
        network = UNet(config)
        network.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise McnetError(
            f"{path} is damaged: its weights do not fit the network that it describes; get a "
            "fresh copy or train it again."
        ) from error
    return network.eval()


def read_card(path: Path) -> dict[str, Any]:
    """Model card of a weights file: ``network``, ``provenance`` and ``card``.

    Raises
    ------
    McnetError
        As in `load_network`.
    """
    about, _ = read_tensors(path, with_tensors=False)
    return about


def _stored(tensor: torch.Tensor, half: bool) -> torch.Tensor:
    # What batch norm knows of each channel takes no room, and may lie beyond half precision.
    if half and tensor.ndim > 1:
        tensor = tensor.half()
    return tensor.contiguous()


def read_tensors(
    path: Path, *, with_tensors: bool = True
) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Card of a weights file, as `read_card`, and its tensors unless they are not wanted.

    Raises
    ------
    McnetError
        As in `load_network`.
    """
    _refuse_pickle(path)
    try:
        with safe_open(path, framework="pt") as stream:
            text = (stream.metadata() or {}).get(_KEY, "null")
            names = stream.keys() if with_tensors else []
            tensors = {name: stream.get_tensor(name) for name in names}
    except (SafetensorError, ValueError, OSError) as error:
        raise McnetError(
            f"{path} is no whole safetensors file; expected weights written by mcnet: get a fresh "
            "copy or train it again."
        ) from error
    about = parse_json(text, f"the description in {path}")
    if not isinstance(about, dict) or "network" not in about:
        raise McnetError(
            f"{path} holds weights of another program, without mcnet's network description; "
            "expected a file written by mcnet."
        )
    if not isinstance(about.get("card", {}), dict):
        raise McnetError(
            f"{path} has a model card that is no table of names and values; get a fresh copy or "
            "train it again."
        )
    return about, tensors


def _refuse_pickle(path: Path) -> None:
    if not path.is_file():
        raise McnetError(f"{path} is no file; name a .safetensors file written by mcnet.")
    with path.open("rb") as stream:
        beginning = stream.read(4)
    if path.suffix.lower() in _PICKLE_SUFFIXES or beginning.startswith(_PICKLE_BEGINNINGS):
        raise McnetError(
            f"{path} is a pickle file, which could run any code when opened, so mcnet never opens "
            "one; use weights saved as .safetensors."
        )
