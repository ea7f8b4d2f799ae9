"""Cases from folders of scans: one folder a version, files by the same name in each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from mcnet.core.errors import McnetError
from mcnet.evaluation.scans import compare_scans
from mcnet.io.nifti.files import read_volume
from mcnet.io.nifti.names import scans_in_folder
from mcnet.io.volume import Volume
from mcnet.reader_study.cases import CORRUPTED, REFERENCE, Case, CaseImages, chosen_versions
from mcnet.report.planes import PLANES, Plane


@dataclass(frozen=True, eq=False)
class FolderSource:
    """Scans by version and name; where there is a reference, their scores against it."""

    files: Mapping[str, Mapping[str, Path]]
    """By version and case: a NIfTI file."""
    versions: tuple[str, ...]
    cases: tuple[Case, ...]
    plane: Plane

    @property
    def inputs(self) -> dict[str, Path]:
        """Every scan."""
        return {
            f"{version}/{path.name}": path
            for version, of_version in self.files.items()
            for path in of_version.values()
        }

    def images(self, chosen: Sequence[int]) -> Iterator[CaseImages]:
        """The volumes of some cases, one case in memory at a time.

        Raises
        ------
        McnetError
            A scan cannot be read, or versions of a case lie on different grids.
        """
        for index in chosen:
            name = self.cases[index].name
            volumes = {version: read_volume(self.files[version][name]) for version in self.files}
            _check_same_grids(name, volumes)
            rows_mm, columns_mm = _pixel_mm(volumes[self.versions[0]], self.plane)
            yield CaseImages(
                {version: self._frames(volumes[version]) for version in self.versions},
                (rows_mm, columns_mm),
                _metrics(volumes),
            )

    def _frames(self, volume: Volume) -> Float32[np.ndarray, "n_frames rows columns"]:
        values = volume.values
        n_frames = values.shape[self.plane.axis]
        return np.stack([self.plane.slice_of(values, index) for index in range(n_frames)])


def folder_source(
    folders: Mapping[str, Path], versions: Sequence[str] = (), *, plane: str = "sagittal"
) -> FolderSource:
    """The cases whose names occur in every folder.

    Parameters
    ----------
    folders
        By version: a folder of NIfTI files. A version called ``reference`` gives every other one
        its scores; with ``corrupted``, the severity, ``1 - SSIM`` in the head, too.
    versions
        Which versions are read; by default all.
    plane
        Which slices are looked at: sagittal, coronal or axial.

    Raises
    ------
    McnetError
        A folder cannot be read or holds no scan, or names are not the same in all of them.
    """
    chosen = chosen_versions(list(folders), versions)
    files = {version: _scans_of(folder) for version, folder in folders.items()}
    _check_same_names(files, folders)
    severities = _severities(files)
    # without a table of subjects, every file is taken for a subject of its own
    cases = tuple(Case(name, name, severities.get(name, float("nan"))) for name in files[chosen[0]])
    return FolderSource(files, chosen, cases, next(p for p in PLANES if p.name == plane))


def _scans_of(folder: Path) -> dict[str, Path]:
    scans = scans_in_folder(folder)
    if not scans:
        raise McnetError(f"{folder} holds no .nii or .nii.gz file; name a folder of scans.")
    return scans


def _check_same_names(files: Mapping[str, Mapping[str, Path]], folders: Mapping[str, Path]) -> None:
    everywhere = set.intersection(*(set(of_version) for of_version in files.values()))
    for of_version in files.values():
        extra = sorted(set(of_version) - everywhere)
        if extra:
            lacking = next(other for other in files if extra[0] not in files[other])
            raise McnetError(
                f"{of_version[extra[0]]} has no like in {folders[lacking]}; give every version of "
                "a case the same file name, in the folder of its version."
            )


def _check_same_grids(case: str, volumes: Mapping[str, Volume]) -> None:
    """Refuse versions that lie elsewhere: what is shown, and how large, would tell them apart."""
    (first, one), *others = volumes.items()
    for version, volume in others:
        if not np.allclose(volume.affine, one.affine, atol=1e-2):
            raise McnetError(
                f"{version} of {case} lies on another grid than {first}; resample one onto the "
                "other first."
            )


def _severities(files: Mapping[str, Mapping[str, Path]]) -> dict[str, float]:
    """By case: how far the corrupted scan is from its reference; nothing where one is missing."""
    if CORRUPTED not in files or REFERENCE not in files:
        return {}
    return {
        name: 1.0
        - compare_scans(read_volume(path), read_volume(files[CORRUPTED][name]))["ssim_head"]
        for name, path in files[REFERENCE].items()
    }


def _metrics(volumes: Mapping[str, Volume]) -> dict[str, dict[str, float]]:
    if REFERENCE not in volumes:
        return {}
    reference = volumes[REFERENCE]
    return {
        version: compare_scans(reference, volume)
        for version, volume in volumes.items()
        if version != REFERENCE
    }


def _pixel_mm(volume: Volume, plane: Plane) -> tuple[float, float]:
    """Height and width of a pixel of the plane."""
    across, up = plane.in_plane
    return volume.voxel_size_mm[up], volume.voxel_size_mm[across]
