"""Metadata of a scan from the JSON files that apply to it.

A NIfTI file has a JSON file beside it, as dcm2niix writes it, and in a BIDS data set those that it
inherits. Of a DICOM series, `mcnet.io.dicom.series.DicomSeries.metadata` gives the same names.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from mcnet.core.documents import read_json_object
from mcnet.core.errors import BadFileError
from mcnet.core.writing import cannot_read
from mcnet.io.nifti.names import check_fetched, nifti_stem, sidecar

LINE_WORDS = (
    "InPlanePhaseEncodingDirectionDICOM",
    "PhaseEncodingDirection",
    "PhaseEncodingAxis",
)
"""Entries that give the phase-encoding axis: a file that has one of them overrides them all."""

_DESCRIPTION = "dataset_description.json"


def metadata_of(path: Path, root: Path | None = None) -> dict[str, Any]:
    """Entries of the JSON files that apply to a NIfTI file; empty where there are none.

    These are its own, and in a BIDS data set those of the same suffix in the same folder or above
    whose entities the scan has too: the nearer wins, and in one folder the one with more entities.
    The phase-encoding axis counts as one entry, whatever its name (`LINE_WORDS`). Of a symbolic
    link, files beside the link win over files beside its target.

    Parameters
    ----------
    path
        The scan.
    root
        Top folder of its BIDS data set; by default the nearest above it with a
        ``dataset_description.json``, or with the folder ``sub-*`` of the scan's own name.

    Raises
    ------
    McnetError
        One of the files is damaged, cannot be read or is a link to nothing, or two of one folder
        contradict each other and neither is the nearer.
    """
    here, there = _absolute(path), Path(os.path.realpath(path))
    behind = {} if here == there else _said_of(there, _root_of(there))
    return _nearer(_said_of(here, _absolute(root) if root else _root_of(here)), behind)


def text_of(about: Mapping[str, Any], name: str) -> str:
    """Text of an entry without spaces around it; empty where there is none, or no text.

    A list of one text, as some converters write it, counts as that text.
    """
    value = about.get(name)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.strip() if isinstance(value, str) else ""


def is_true(about: Mapping[str, Any], name: str) -> bool:
    """Whether an entry is true, as JSON has it or as text."""
    return about.get(name) is True or text_of(about, name).lower() == "true"


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link is not followed


def _root_of(path: Path) -> Path | None:
    subject = nifti_stem(path).split("_")[0]
    below = path
    for folder in path.parents:
        is_top = subject.startswith("sub-") and below.name == subject
        # unlike Path's own, this finds nothing where a folder may not be entered
        if is_top or os.path.isfile(folder / _DESCRIPTION):  # noqa: PTH113
            return folder
        below = folder
    return None


def _said_of(path: Path, root: Path | None) -> dict[str, Any]:
    folders = [path.parent, *path.parent.parents]
    if root not in folders or not path.name.startswith("sub-"):
        own = sidecar(path)
        return _read(own) if os.path.lexists(own) else {}
    found: dict[str, Any] = {}
    for folder in reversed(folders[: folders.index(root) + 1]):
        found = _nearer(_said_in(folder, path), found)
    return found


def _said_in(folder: Path, path: Path) -> dict[str, Any]:
    """Entries of the files in one folder of a BIDS data set that apply to a scan."""
    applying = sorted(_applying(folder, path), key=lambda each: len(each[0]))
    said = [(entities, file, _read(file)) for entities, file in applying]
    for (entities, one, by_one), (more, other, by_other) in combinations(said, 2):
        contested = [name for name in by_one if by_one[name] != by_other.get(name, by_one[name])]
        if contested and not entities < more:
            raise BadFileError(
                f"{one} and {other} both apply to {path.name} and say different things of "
                f"{contested[0]}; BIDS allows one of them in a folder: merge them."
            )
    found: dict[str, Any] = {}
    for _, _, about in said:
        found = _nearer(about, found)
    return found


def _nearer(near: dict[str, Any], far: dict[str, Any]) -> dict[str, Any]:
    """Entries of both, where the nearer wins."""
    overridden = LINE_WORDS if any(name in near for name in LINE_WORDS) else ()
    return {name: value for name, value in far.items() if name not in overridden} | near


def _applying(folder: Path, path: Path) -> Iterator[tuple[frozenset[str], Path]]:
    """JSON files of a folder that apply to a scan, each with the entities in its name."""
    *entities, suffix = nifti_stem(path).split("_")
    for file in _json_files(folder):
        *of_file, kind = file.stem.split("_")
        if kind == suffix and {*of_file} <= {*entities}:
            yield frozenset(of_file), file


def _json_files(folder: Path) -> Sequence[Path]:
    try:
        return sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except FileNotFoundError:
        return ()  # the reader of the scan reports it
    except OSError as error:
        raise cannot_read(folder, error) from error


def _read(file: Path) -> dict[str, Any]:
    check_fetched(file)
    return read_json_object(file)
