"""Content of an ISMRMRD file (HDF5): XML header, acquisition headers and samples."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from ismrmrd.hdf5 import acquisition_header_dtype
from jaxtyping import Complex64, Shaped

from mcnet.core.errors import BadFileError
from mcnet.core.writing import cannot_read
from mcnet.io.damage import check_is_file, damage_as_error

_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError)
"""Errors of h5py for damaged files."""


@dataclass(frozen=True, eq=False)
class RawFile:
    """Header and acquisitions of a file."""

    path: Path
    xml: bytes
    heads: Shaped[np.ndarray, "n_acquisitions"]
    """Structured: the fields of ISMRMRD's AcquisitionHeader."""
    rows: Shaped[np.ndarray, "n_acquisitions"]
    """Samples of each acquisition as stored: real and imaginary parts interleaved."""

    def samples(self, number: int) -> Complex64[np.ndarray, "n_coils n_samples"]:
        """Samples of one acquisition.

        Raises
        ------
        McnetError
            There are not as many as its header says.
        """
        head, row = self.heads[number], self.rows[number]
        n_coils, n_samples = int(head["active_channels"]), int(head["number_of_samples"])
        if np.size(row) != 2 * n_coils * n_samples:
            raise BadFileError(
                f"{self.path} has {np.size(row) // 2} samples in acquisition {number}, whose "
                f"header tells of {n_coils} coils with {n_samples} samples each; the file is "
                "damaged: convert the raw data again."
            )
        values = np.ascontiguousarray(row, dtype=np.float32).view(np.complex64)
        return values.reshape(n_coils, n_samples)


def read_file(path: Path) -> RawFile:
    """Content of the one ISMRMRD data set of an HDF5 file.

    Raises
    ------
    McnetError
        There is no such file, it is not HDF5 or is damaged, or it holds no data set, several, or
        one without header or acquisitions.
    """
    with _opened(path) as file:
        group = _one_data_set(path, file)
        xml = _header_in(path, group)
        acquisitions = group["data"]
        if not _are_acquisitions(acquisitions.dtype):
            raise BadFileError(
                f"{path} holds no acquisitions in {acquisitions.name}; ISMRMRD raw data are "
                "needed, not images: convert the raw data again."
            )
        if acquisitions.size == 0:
            raise BadFileError(
                f"{path} holds no acquisition: it is empty; check how the file was made."
            )
        content = np.ravel(acquisitions[()])
        return RawFile(path, xml, content["head"], content["data"])


def read_header(path: Path) -> bytes:
    """XML header of a file, without its acquisitions; raises as `read_file`."""
    with _opened(path) as file:
        return _header_in(path, _one_data_set(path, file))


def _header_in(path: Path, group: Any) -> bytes:
    if "xml" not in group or group["xml"].size < 1:
        raise BadFileError(
            f"{path} has no XML header in {group.name}; the header tells how k-space was "
            "sampled: convert the raw data again."
        )
    xml = np.ravel(group["xml"][()])[0]
    return xml.encode() if isinstance(xml, str) else bytes(xml)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open a file by HDF5; what h5py raises of it becomes a `McnetError`."""
    check_is_file(path, "an ISMRMRD file (.h5)")
    try:
        with path.open("rb"):
            pass  # the operating system's reason for a refusal is clearer than that of HDF5
    except OSError as error:
        raise cannot_read(path, error) from error

    def damage() -> str:
        reason = "ends too early or is damaged" if h5py.is_hdf5(path) else "is not an HDF5 file"
        return (
            f"{reason}; ISMRMRD raw data in HDF5 are needed: copy the file again or convert the "
            "scanner's data, for example with siemens_to_ismrmrd."
        )

    with damage_as_error(path, _DAMAGE, damage), h5py.File(path, "r") as file:
        yield file


def _one_data_set(path: Path, file: h5py.File) -> Any:
    found = [name for name, group in file.items() if _is_data_set(group)]
    if not found:
        raise BadFileError(
            f"{path} holds no ISMRMRD data set of raw data; give a file whose group 'dataset' "
            "holds 'xml' and 'data'."
        )
    if len(found) > 1:
        raise BadFileError(
            f"{path} holds {len(found)} data sets ({', '.join(sorted(found)[:5])}); one scan is "
            "needed: copy one of them into a file of its own, for example with h5copy."
        )
    return file[found[0]]


def _are_acquisitions(dtype: np.dtype[Any]) -> bool:
    """Whether a table has the columns that ISMRMRD gives acquisitions."""
    if not {"head", "data"} <= set(dtype.names or ()):
        return False
    head, known = dtype["head"], acquisition_header_dtype
    if not set(known.names or ()) <= set(head.names or ()):
        return False
    return set(known["idx"].names or ()) <= set(head["idx"].names or ())


def _is_data_set(group: Any) -> bool:
    return isinstance(group, h5py.Group) and isinstance(group.get("data"), h5py.Dataset)
