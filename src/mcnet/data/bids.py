"""BIDS data sets: which scans they hold, what is said of them, and what derivatives are called."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcnet import __version__
from mcnet.data.nifti_names import nifti_stem
from mcnet.errors import McnetError
from mcnet.outputs import Given, Kind, check_outputs, is_same
from mcnet.provenance import cannot_read, read_json, write_json, write_text

BIDS_VERSION = "1.10.0"
_NOT_MAGNITUDE = ("part-phase", "part-real", "part-imag")
_README = """# Scans with head motion corrected by mcnet

Every T1-weighted scan of the source as `*_desc-moco_T1w.nii.gz` on its own grid. The JSON file
beside it says what was found and done; the page of the same name at the top shows it.
A correction is a guess from the image alone. mcnet is a research tool, not a medical device.
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
        """Its name in ``Sources`` of a derivative, whose ``DatasetLinks`` know ``raw``."""
        return f"bids:raw:{self.path.relative_to(self.root).as_posix()}"

    def derivative_name(self, description: str) -> str:
        """Name of a T1-weighted derivative, without suffixes: all entities, then ``desc``."""
        return f"{self.name.removesuffix('_T1w')}_desc-{description}_T1w"

    def metadata(self) -> dict[str, Any]:
        """What the JSON files say that apply to the scan; the nearer ones win.

        Raises
        ------
        McnetError
            One of them is damaged.
        """
        found: dict[str, Any] = {}
        own = set(self.name.split("_"))
        folders = [self.path.parent, *self.path.parent.parents]
        for folder in reversed(folders[: folders.index(self.root) + 1]):
            applying = [path for path in folder.glob("*T1w.json") if {*path.stem.split("_")} <= own]
            for path in sorted(applying, key=lambda path: len(path.stem.split("_"))):
                found |= _json_object(path)
        return found


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
        The folder is no BIDS data set, a participant is not in it, or there is no such scan.
    """
    if not root.is_dir() or not is_bids(root):
        raise McnetError(
            f"{root} is no BIDS data set; expected a folder with dataset_description.json and "
            "sub-* folders: give the top folder of one."
        )
    people = [f"sub-{label.removeprefix('sub-')}" for label in labels]
    there = sorted(path.name for path in root.glob("sub-*") if path.is_dir())
    absent = [person for person in people if person not in there]
    if absent:
        raise McnetError(
            f"{root} has no participant {', '.join(absent)}; it has {', '.join(there[:8])}"
            f"{', ...' if len(there) > 8 else ''}: name some of these."
        )
    scans = [scan for person in dict.fromkeys(people or there) for scan in _of_person(root, person)]
    if not scans:
        raise McnetError(
            f"{root} has no T1w scan of {', '.join(people) or 'any participant'}; expected files "
            "such as sub-01/anat/sub-01_T1w.nii.gz."
        )
    return scans


def derivative_folder(scan: BidsScan, output: Path) -> Path:
    """The folder of a derivative: the participant's and session's own, under ``output``."""
    return output / scan.path.parent.relative_to(scan.root)


def check_derivative_output(root: Path, output: Path) -> None:
    """Refuse, before any work, a folder where mcnet's derivative data set should not lie.

    Raises
    ------
    McnetError
        It is the source itself or lies among its raw data, is a file, holds something else than a
        derivative of mcnet, or may not be written to.
    ModuleNotFoundError
        What writes the pages is not installed.
    """
    remedy = f"give the derivative a folder of its own, such as {root / 'derivatives' / 'mcnet'}."
    if is_same(output, root):
        raise McnetError(f"{output} is the source; {remedy}")
    place = Path(os.path.realpath(output))
    below = [
        name
        for name, parent in zip(place.parts[1:], _parents(place), strict=True)
        if is_same(parent, root)
    ]
    if any(name.lower().startswith(_RAW) for name in below):
        raise McnetError(f"{output} lies among the raw data of {root}; {remedy}")
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
    modules=("jinja2", "matplotlib"),
    is_folder=True,
)
"""A BIDS derivative data set, which a later call completes."""
_RAW = ("sub-", "sourcedata", "rawdata")
"""How the folders of a data set begin that hold its raw data."""


def write_derivative_description(root: Path, output: Path, name: str) -> None:
    """Write what makes a folder a BIDS derivative: its description, a README, what is ignored."""
    place = os.path.relpath(root.resolve(), output.resolve())
    doi = _json_object(root / "dataset_description.json").get("DatasetDOI")
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


def _of_person(root: Path, person: str) -> list[BidsScan]:
    found = [
        path
        for folder in ("anat", "ses-*/anat")
        for path in (root / person).glob(f"{folder}/{person}_*T1w.nii*")
        if path.name.endswith(("_T1w.nii", "_T1w.nii.gz"))
        and not {*path.name.split("_")} & {*_NOT_MAGNITUDE}
    ]
    by_name = {nifti_stem(path): path for path in sorted(found)}  # a.nii and a.nii.gz are one scan
    return [BidsScan(root, path) for path in by_name.values()]


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise McnetError(
            f"{path} is damaged or may not be read; expected a JSON file of BIDS: mend it or take "
            "it away."
        ) from error
    return content if isinstance(content, dict) else {}
