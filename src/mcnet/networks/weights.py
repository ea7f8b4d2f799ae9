"""Network weights in files: safetensors with their configuration and provenance, never pickle."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mcnet.core.errors import McnetError
from mcnet.core.provenance import provenance
from mcnet.core.writing import written_whole
from mcnet.networks.cards import KEY, not_whole, read_card
from mcnet.networks.config import NetworkConfig
from mcnet.networks.unet import UNet


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
        "provenance": provenance(seed=card.get("seed"), inputs=_inputs(card)),
        "card": dict(card),
    }
    stored = {name: _stored(tensor.detach().cpu(), half) for name, tensor in tensors.items()}
    with written_whole(path) as temporary:
        temporary.write_bytes(save(stored, metadata={KEY: json.dumps(about, sort_keys=True)}))


def _inputs(card: Mapping[str, Any]) -> dict[str, str]:
    """What a network was trained from, as far as its card tells digests of it."""
    names = ("train", "validation", "initial_weights")
    return {name: sha256 for name in names if (sha256 := card.get(f"{name}_sha256"))}


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


def _stored(tensor: torch.Tensor, half: bool) -> torch.Tensor:
    # What batch norm knows of each channel takes no room, and may lie beyond half precision.
    if half and tensor.ndim > 1:
        tensor = tensor.half()
    return tensor.contiguous()


def read_tensors(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Card of a weights file, as `mcnet.networks.cards.read_card`, and its tensors.

    Raises
    ------
    McnetError
        As in `load_network`.
    """
    about = read_card(path)
    try:
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, OSError) as error:
        raise not_whole(path) from error
    return about, tensors
