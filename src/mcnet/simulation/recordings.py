"""Recorded motion of many people: all motion files of a folder."""

from pathlib import Path

from mcnet.errors import McnetError
from mcnet.simulation.formats import read_motion
from mcnet.simulation.motion import MotionTrace


def read_recordings(path: Path) -> list[MotionTrace]:
    """Traces of a motion file, or of all motion files of a folder in the order of their names.

    Raises
    ------
    McnetError
        There is no such path, the folder holds no motion file, or one of them is bad.
    """
    if not path.is_dir():
        return [read_motion(path)]
    files = sorted(file for file in path.iterdir() if _is_motion_file(file))
    if not files:
        raise McnetError(
            f"{path} holds no motion file; expected .par, rp_*.txt, .1D, confounds .tsv or .csv "
            "files."
        )
    return [read_motion(file) for file in files]


def _is_motion_file(path: Path) -> bool:
    return path.suffix.lower() in {".par", ".1d", ".tsv", ".csv"} or (
        path.name.startswith("rp_") and path.suffix == ".txt"
    )
