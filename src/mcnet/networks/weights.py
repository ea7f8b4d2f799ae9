"""Network weights in files: safetensors with their model card and provenance, never pickle."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mcnet.core.errors import McnetError
from mcnet.core.provenance import provenance
from mcnet.core.renamed import TENSORS
from mcnet.core.writing import written_whole
from mcnet.networks.base import ImageNetwork
from mcnet.networks.cards import KEY, WeightsHeader, not_whole, read_header
from mcnet.networks.model_card import ModelCard
from mcnet.networks.registry import architecture


def save_network(path: Path, network: ImageNetwork, *, card: ModelCard, half: bool = False) -> None:
    """Write a network's weights with its architecture, settings, model card and provenance.

    ``half`` stores convolutions in half precision, in half the room; they come back in single
    precision.
    """
    config = network.config
    tensors = network.state_dict()
    write_tensors(path, tensors, config.architecture, config.settings, card=card, half=half)


def write_tensors(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    architecture: str,
    settings: Mapping[str, Any],
    *,
    card: ModelCard,
    half: bool = False,
) -> None:
    """Write tensors with the architecture and the settings of their network, as `save_network`."""
    about = {
        "architecture": architecture,
        "network": dict(settings),
        "provenance": provenance(seed=card.seed, inputs=_inputs(card)),
        "card": {name: value for name, value in card.as_dict.items() if name != "architecture"},
    }
    stored = {name: _stored(tensor.detach().cpu(), half) for name, tensor in tensors.items()}
    with written_whole(path) as temporary:
        temporary.write_bytes(save(stored, metadata={KEY: json.dumps(about, sort_keys=True)}))


def _inputs(card: ModelCard) -> dict[str, Path | str]:
    """What a network was trained from, as far as its card tells digests of it."""
    names = ("train", "validation", "initial_weights")
    return {name: sha256 for name in names if (sha256 := card.further.get(f"{name}_sha256"))}


def load_network(path: Path) -> ImageNetwork:
    """Network of a weights file, in evaluation mode on the CPU.

    Raises
    ------
    McnetError
        The file is missing, a pickle, damaged, not mcnet's, or of an unknown architecture.
    """
    header, tensors = read_tensors(path)
    try:
        kind = architecture(header.architecture)
    except McnetError as error:
        raise McnetError(f"{path}: {error}") from error
    try:
        config = kind(**header.network)
        with torch.device("meta"):  # a network that the tensors do not fill may fill the memory
            expected = config.build().state_dict()
        if {name: value.shape for name, value in expected.items()} != {
            name: value.shape for name, value in tensors.items()
        }:
            raise ValueError("other tensors than the network has")
        network = config.build()
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


def read_tensors(path: Path) -> tuple[WeightsHeader, dict[str, torch.Tensor]]:
    """Header of a weights file, and its tensors.

    Raises
    ------
    McnetError
        As in `load_network`.
    """
    header = read_header(path)
    try:
        with safe_open(path, framework="pt") as stream:
            names = stream.keys()
            tensors = {TENSORS.get(name, name): stream.get_tensor(name) for name in names}
    except (SafetensorError, ValueError, OSError) as error:
        raise not_whole(path) from error
    return header, tensors
