"""What a file of weights says of itself, read from its header without torch or safetensors.

A safetensors file begins with the length of its header, eight bytes, the least first; then comes
the header, which is JSON: ``__metadata__`` and, for each tensor, its type, shape and place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import prod
from pathlib import Path
from typing import Any

from mcnet.core.documents import parse_json
from mcnet.core.errors import BadFileError, McnetError
from mcnet.core.renamed import all_with_new_names
from mcnet.core.writing import cannot_read
from mcnet.networks.config import DEFAULT_ARCHITECTURE, SEVERITY_ARCHITECTURE, SeverityConfig
from mcnet.networks.model_card import ModelCard, card_of

KEY = "mcnet-network"
"""The one metadata key: with several, safetensors writes them in random order."""
_PICKLE_SUFFIXES = {".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".bin"}
_PICKLE_BEGINNINGS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_LENGTH_BYTES = 8
_MOST_BYTES = 100_000_000
"""Of a header, as safetensors has it."""
_NOT_LEARNED = ("running_mean", "running_var", "num_batches_tracked")
"""Ends of the names of what batch norm counts, which are no parameters."""


@dataclass(frozen=True)
class WeightsHeader:
    """What stands at the beginning of a file of weights."""

    architecture: str
    """Name of the network's architecture; of the severity estimator, ``severity``."""
    network: Mapping[str, Any]
    """Settings of the architecture."""
    card: ModelCard
    provenance: Mapping[str, Any]
    shapes: dict[str, tuple[int, ...]]
    """Of the tensors, by their names."""

    @property
    def n_parameters(self) -> int:
        """Numbers that training chose."""
        return sum(
            prod(shape) for name, shape in self.shapes.items() if not name.endswith(_NOT_LEARNED)
        )


def read_header(path: Path) -> WeightsHeader:
    """Header of a file of weights.

    Raises
    ------
    McnetError
        The file is missing, a pickle, damaged, or not mcnet's.
    """
    check_no_pickle(path)
    header, start = _header(path)
    metadata = header.pop("__metadata__", {})
    told = metadata.get(KEY) if isinstance(metadata, dict) else None
    about = parse_json(told, path) if isinstance(told, str) else None
    if not isinstance(about, dict) or not isinstance(about.get("network"), dict):
        raise BadFileError(
            f"{path} holds weights of another program, without mcnet's network description; "
            "expected a file written by mcnet."
        )
    try:
        shapes = {name: tuple(map(int, one["shape"])) for name, one in header.items()}
        end = max((int(one["data_offsets"][1]) for one in header.values()), default=0)
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise not_whole(path) from error
    if path.stat().st_size != start + end:
        raise not_whole(path)
    network = all_with_new_names(about["network"])
    architecture = about.get("architecture") or _unnamed_architecture(network)
    if not isinstance(architecture, str):
        raise not_whole(path)
    card = card_of(path, about.get("card", {}), architecture)
    provenance = about.get("provenance")
    known = provenance if isinstance(provenance, dict) else {}
    return WeightsHeader(architecture, network, card, known, shapes)


def read_card(path: Path) -> ModelCard:
    """Model card of a weights file.

    Raises
    ------
    McnetError
        As in `read_header`.
    """
    return read_header(path).card


def _unnamed_architecture(network: Mapping[str, Any]) -> str:
    """Architecture in a file of version 0.3.0, which names none."""
    is_severity = set(network) == {one.name for one in fields(SeverityConfig)}
    return SEVERITY_ARCHITECTURE if is_severity else DEFAULT_ARCHITECTURE


def check_no_pickle(path: Path) -> None:
    """Refuse a file that is missing, or a pickle, which could run any code when opened.

    Raises
    ------
    McnetError
        It is one of these.
    """
    if not path.is_file():
        raise BadFileError(f"{path} is no file; name a .safetensors file written by mcnet.")
    with path.open("rb") as stream:
        beginning = stream.read(4)
    if path.suffix.lower() in _PICKLE_SUFFIXES or beginning.startswith(_PICKLE_BEGINNINGS):
        raise BadFileError(
            f"{path} is a pickle file, which could run any code when opened, so mcnet never opens "
            "one; use weights saved as .safetensors."
        )


def not_whole(path: Path) -> BadFileError:
    """Return the sentence about a damaged file, to be raised."""
    return BadFileError(
        f"{path} is no whole safetensors file; expected weights written by mcnet: get a fresh "
        "copy or train it again."
    )


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """Header, and where the tensors begin."""
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            content = stream.read(length) if length <= _MOST_BYTES else b""
    except OSError as error:
        raise cannot_read(path, error) from error
    if not content or len(content) < length:
        raise not_whole(path)
    try:
        header = parse_json(content, path)
    except McnetError as error:
        raise not_whole(path) from error
    if not isinstance(header, dict):
        raise not_whole(path)
    return header, _LENGTH_BYTES + length
