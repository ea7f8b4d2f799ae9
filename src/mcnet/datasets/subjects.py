"""Subjects: those of a BIDS tree, of a folder of NIfTI files, or variations of the template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from mcnet.core.errors import McnetError
from mcnet.core.provenance import sha256_of_file, sha256_of_json
from mcnet.core.writing import cannot_read
from mcnet.datasets.template import TEMPLATE_VERSION, varied_head
from mcnet.io.bids import first_t1w_of_subjects
from mcnet.io.nifti.files import read_volume
from mcnet.io.nifti.names import check_fetched, scans_in_folder
from mcnet.io.volume import Volume


@dataclass(frozen=True)
class Subject:
    """One subject and the way to the scan."""

    name: str
    """Unique among the subjects of one source, for example ``sub-01``."""
    load: Callable[[], Volume]
    """Reads or makes the scan; nothing is held in memory before."""
    fingerprint: str
    """SHA-256 of the file, or of the parameters that a template subject is made of."""


def subjects_in_folder(folder: Path) -> list[Subject]:
    """Subjects of a BIDS tree or of a plain folder of NIfTI files, sorted by name.

    Of a BIDS tree the first magnitude T1-weighted scan of each subject counts, by the order of its
    path (`mcnet.io.bids`), so that no subject counts twice. In a plain folder every NIfTI file is
    a subject of its own.

    Raises
    ------
    McnetError
        The folder does not exist or may not be read, holds no scan, or two scans have one name.
    """
    try:
        return _subjects_in_folder(folder)
    except OSError as error:
        raise cannot_read(Path(error.filename or folder), error) from error


def subjects_named(folder: Path, names: Sequence[str] = ()) -> list[Subject]:
    """Subjects of a folder, as `subjects_in_folder`: those of some names, or all if none is given.

    Raises
    ------
    McnetError
        As `subjects_in_folder`, or nobody has one of the names.
    """
    subjects = subjects_in_folder(folder)
    check_names_known(folder, subjects, names)
    return [subject for subject in subjects if not names or subject.name in names]


def check_names_known(
    folder: Path | str, subjects: Sequence[Subject], names: Sequence[str]
) -> None:
    """Refuse names that nobody of a folder has."""
    unknown = sorted(set(names) - {subject.name for subject in subjects})
    if unknown:
        raise McnetError(f"{folder} has nobody named {unknown[0]}; name subjects of that folder.")


def template_subjects(n: int, seed: int) -> list[Subject]:
    """Subjects that are variations of the built-in head, the same for the same seed."""
    return [_template_subject(index, seed) for index in range(n)]


def _subjects_in_folder(folder: Path) -> list[Subject]:
    if not folder.is_dir():
        raise McnetError(
            f"{folder} is not a folder; give a BIDS tree (sub-*/anat/*_T1w.nii.gz) or a folder of "
            ".nii.gz files."
        )
    scans = first_t1w_of_subjects(folder) or scans_in_folder(folder)
    if not scans:
        raise McnetError(
            f"{folder} holds no scan; expected sub-*/anat/*_T1w.nii.gz as in BIDS, or .nii.gz "
            "files in the folder itself."
        )
    return [_subject_of_file(name, path) for name, path in sorted(scans.items())]


def _subject_of_file(name: str, path: Path) -> Subject:
    check_fetched(path)
    # a worker elsewhere may start in another folder
    return Subject(name, partial(_read_as, name, path.absolute()), sha256_of_file(path))


def _read_as(name: str, path: Path) -> Volume:
    return replace(read_volume(path), name=name)


def _template_subject(index: int, seed: int) -> Subject:
    name = f"template-{index + 1:02d}"
    made_of = {"template": TEMPLATE_VERSION, "seed": seed, "index": index}
    return Subject(name, partial(_vary_as, name, index, seed), sha256_of_json(made_of))


def _vary_as(name: str, index: int, seed: int) -> Volume:
    return replace(varied_head(np.random.default_rng([seed, index])), name=name)
