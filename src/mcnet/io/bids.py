"""BIDS data sets: their scans and metadata, and the names and description of derivatives."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcnet import __version__
from mcnet.core.documents import read_json_object
from mcnet.core.errors import BadFileError, BadOptionError, OutputError
from mcnet.core.outputs import Given, Kind, check_outputs, is_same
from mcnet.core.writing import cannot_read, read_json, write_json, write_text
from mcnet.io.metadata import metadata_of, text_of
from mcnet.io.nifti.names import is_single_nifti, nifti_stem

BIDS_VERSION = "1.10.0"
_NOT_MAGNITUDE = ("part-phase", "part-real", "part-imag")
_ENTITIES = (
    *("sub", "ses", "sample", "task", "tracksys", "acq", "nuc", "voi", "ce", "trc", "stain"),
    *("rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part", "proc", "hemi", "space"),
    *("split", "recording", "chunk", "atlas", "seg", "scale", "res", "den", "label"),
)
"""The order of entities in names; ``desc`` comes last."""
_README = """# Scans with head motion corrected by mcnet

Every T1-weighted scan of the source as `*_desc-moco_T1w.nii.gz` on its own grid. The JSON file
beside it has the estimated motion and the settings; the page of the same name at the top shows it.
A correction is an estimate from the image alone. mcnet is a research tool, not a medical device.
"""


@dataclass(frozen=True)
class BidsScan:
    """A T1-weighted scan of a BIDS data set."""

    root: Path
    path: Path

    @property
    def name(self) -> str:
        """File name without suffixes, as ``sub-01_ses-a_run-1_T1w``."""
        return nifti_stem(self.path)

    @property
    def uri(self) -> str:
        """Its name in ``Sources`` of a derivative, whose ``DatasetLinks`` define ``raw``."""
        return f"bids:raw:{self.path.relative_to(self.root).as_posix()}"

    def derivative_name(self, description: str) -> str:
        """Name of a T1-weighted derivative, without suffixes: all entities in BIDS' order.

        BIDS allows one ``desc``: of a source that has one, ``desc-x`` becomes ``desc-xMoco``.
        """
        entities = [part for part in self.name.split("_")[:-1] if not part.startswith("desc-")]
        given = [
            part.removeprefix("desc-") for part in self.name.split("_") if part.startswith("desc-")
        ]
        first, *others = [*given, description]
        label = first + "".join(other[:1].upper() + other[1:] for other in others)
        return "_".join([*sorted(entities, key=_place_of_entity), f"desc-{label}", "T1w"])

    def metadata(self) -> dict[str, Any]:
        """Entries of the JSON files that apply, by `mcnet.io.metadata.metadata_of`."""
        return metadata_of(self.path, self.root)


def is_bids(folder: Path) -> bool:
    """Whether a folder looks like the top of a BIDS data set."""
    try:
        described = (folder / "dataset_description.json").is_file()
        return described or any(path.is_dir() for path in folder.glob("sub-*"))
    except OSError as error:
        raise cannot_read(folder, error) from error


def find_t1w(root: Path, labels: Sequence[str] = ()) -> list[BidsScan]:
    """Magnitude T1-weighted scans of participants, in order; of all where none are named.

    Parameters
    ----------
    root
        Top folder of the data set.
    labels
        Participants, with or without ``sub-``.

    Raises
    ------
    McnetError
        The folder is not a BIDS data set, a participant is not in it, or there is no such scan.
    """
    if not root.is_dir() or not is_bids(root):
        raise BadFileError(
            f"{root} is no BIDS data set; expected a folder with dataset_description.json and "
            "sub-* folders: give the top folder of one."
        )
    subjects = [f"sub-{label.removeprefix('sub-')}" for label in labels]
    there = _subjects(root)
    absent = [subject for subject in subjects if subject not in there]
    if absent:
        raise BadOptionError(
            f"{root} has no participant {', '.join(absent)}; it has {', '.join(there[:8])}"
            f"{', ...' if len(there) > 8 else ''}: name some of these."
        )
    scans = [
        scan for subject in dict.fromkeys(subjects or there) for scan in _of_subject(root, subject)
    ]
    if not scans:
        raise BadFileError(
            f"{root} has no T1w scan of {', '.join(subjects) or 'any participant'}; expected files "
            "such as sub-01/anat/sub-01_T1w.nii.gz."
        )
    return scans


def first_t1w_of_subjects(root: Path) -> dict[str, Path]:
    """The first magnitude T1-weighted scan of each subject that has one; nothing where none has.

    Raises
    ------
    McnetError
        A folder of it cannot be read.
    """
    scans = {subject: _of_subject(root, subject) for subject in _subjects(root)}
    return {subject: found[0].path for subject, found in scans.items() if found}


def derivative_folder(scan: BidsScan, output: Path) -> Path:
    """The folder of a derivative: the participant's and session's own, under ``output``."""
    return output / scan.path.parent.relative_to(scan.root)


def check_derivative_output(root: Path, output: Path) -> None:
    """Check, before any work, the folder for mcnet's derivative data set.

    Raises
    ------
    McnetError
        It is the source itself or lies among its raw data, is a file, holds something else than a
        derivative of mcnet, or may not be written to.
    ModuleNotFoundError
        A package for writing the pages is not installed.
    """
    remedy = f"give the derivative a folder of its own, such as {root / 'derivatives' / 'mcnet'}."
    if is_same(output, root):
        raise OutputError(f"{output} is the source; {remedy}")
    place = Path(os.path.realpath(output))
    below = [
        name
        for name, parent in zip(place.parts[1:], _parents(place), strict=True)
        if is_same(parent, root)
    ]
    if any(name.lower().startswith(_RAW) for name in below):
        raise OutputError(f"{output} lies among the raw data of {root}; {remedy}")
    check_outputs([Given("", output, DERIVATIVE)])


def _parents(place: Path) -> list[Path]:
    """Folders that hold a path, from the outermost to the innermost."""
    return list(reversed(place.parents))


def _is_derivative(folder: Path) -> bool:
    makers = read_json(folder / "dataset_description.json").get("GeneratedBy")
    return isinstance(makers, list) and any(
        isinstance(maker, dict) and maker.get("Name") == "mcnet" for maker in makers
    )


DERIVATIVE = Kind(
    "a derivative is a data set of its own",
    is_ours=_is_derivative,
    foreign=(
        "is not empty and is no data set that mcnet made; give the derivative a folder of its own"
    ),
    is_folder=True,
)
"""A BIDS derivative data set, which a later call completes."""
_RAW = ("sub-", "sourcedata", "rawdata")
"""Beginnings of the names of folders with raw data."""


def write_derivative_description(root: Path, output: Path, name: str) -> None:
    """Write the description, README and ignore file of a BIDS derivative."""
    place = os.path.relpath(root.resolve(), output.resolve())
    description = root / "dataset_description.json"
    doi = text_of(read_json_object(description), "DatasetDOI") if description.is_file() else ""
    write_json(
        output / "dataset_description.json",
        {
            "Name": name,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "derivative",
            "GeneratedBy": [{"Name": "mcnet", "Version": __version__}],
            "SourceDatasets": [{"DOI": doi} if doi else {"URL": place}],
            "DatasetLinks": {"raw": place},
        },
    )
    write_text(output / ".bidsignore", "*.html\n")
    write_text(output / "README.md", _README)


def _place_of_entity(entity: str) -> int:
    name = entity.partition("-")[0]
    return _ENTITIES.index(name) if name in _ENTITIES else len(_ENTITIES)


def _subjects(root: Path) -> list[str]:
    return [folder.name for folder in _folders(root, "sub-")]


def _of_subject(root: Path, subject: str) -> list[BidsScan]:
    places = [root / subject, *_folders(root / subject, "ses-")]
    found = {
        # a.nii and a.nii.gz are one scan, and the latter is taken
        (path.parent, nifti_stem(path)): path
        for place in places
        for folder in _folders(place, "anat")
        if folder.name == "anat"
        for path in _listed(folder)
        if _is_magnitude_t1w(path, subject)
    }
    return [BidsScan(root, path) for path in found.values()]


def _is_magnitude_t1w(path: Path, subject: str) -> bool:
    parts = nifti_stem(path).split("_")
    return (
        is_single_nifti(path)
        and (parts[0], parts[-1]) == (subject, "T1w")
        and not {*parts} & {*_NOT_MAGNITUDE}
        and not path.is_dir()
    )


def _folders(place: Path, beginning: str) -> list[Path]:
    return [path for path in _listed(place) if path.name.startswith(beginning) and path.is_dir()]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise cannot_read(folder, error) from error
