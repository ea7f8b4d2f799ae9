"""Names of raw data files: which outputs are refused before any work."""

from collections.abc import Sequence
from pathlib import Path

from mcnet.errors import McnetError
from mcnet.provenance import cannot_write, refuse_unwritable

SUFFIXES = (".h5", ".mrd")


def refuse_raw_output(path: Path, inputs: Sequence[Path] = ()) -> None:
    """Refuse, before any work, a path to which raw data could not or should not be written.

    Raises
    ------
    McnetError
        The name is not that of raw data, the folder cannot be written, or it is an input.
    """
    if path.suffix not in SUFFIXES:
        raise McnetError(
            f"{path} does not end in .h5 or .mrd; raw data are written as ISMRMRD in HDF5: name "
            f"the output {path.stem}.h5, for example."
        )
    refuse_unwritable(path)
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
    except OSError as error:
        raise cannot_write(path, error) from error
    if path.resolve() in [one.resolve() for one in inputs]:
        raise McnetError(f"{path} is an input and would be overwritten; name another output.")
