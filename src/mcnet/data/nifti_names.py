"""Names of NIfTI files: what a scan is called, and which outputs are refused before any work."""

from collections.abc import Sequence
from pathlib import Path

from mcnet.errors import McnetError
from mcnet.provenance import cannot_write, read_json, refuse_unwritable

SUFFIXES = (".nii.gz", ".nii")


def nifti_stem(path: Path) -> str:
    """Name of a file without its folder and without ``.nii`` or ``.nii.gz``."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def sidecar(path: Path) -> Path:
    """The JSON file beside a scan, which holds its provenance."""
    return path.with_name(f"{nifti_stem(path)}.json")


def refuse_output(path: Path) -> None:
    """Refuse, before any work, a path to which a scan could not or should not be written.

    Raises
    ------
    McnetError
        The name is not NIfTI's, the folder cannot be written, or the JSON file is not mcnet's.
    """
    if not path.name.endswith(SUFFIXES):
        raise McnetError(
            f"{path} does not end in .nii or .nii.gz; scans are written as NIfTI: "
            f"name the output {nifti_stem(path)}.nii.gz, for example."
        )
    refuse_unwritable(path)
    try:
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
        foreign = sidecar(path).exists() and read_json(sidecar(path)).get("generator") != "mcnet"
    except OSError as error:
        raise cannot_write(path, error) from error
    if foreign:
        raise McnetError(
            f"{sidecar(path)} was not written by mcnet, whose provenance goes by that name; give "
            "the output another name or move that file."
        )


def refuse_outputs(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Refuse, before any work, outputs that cannot be written or would replace inputs.

    Raises
    ------
    McnetError
        As `refuse_output`, or an output is an input, or two outputs share a name.
    """
    written: dict[Path, Path] = {}
    for output in outputs:
        refuse_output(output)
        if output.resolve() in [path.resolve() for path in inputs]:
            raise McnetError(f"{output} is an input and would be overwritten; name another output.")
        # a.nii and a.nii.gz would share a.json
        place = output.resolve().with_name(nifti_stem(output.resolve()))
        if place in written:
            raise McnetError(
                f"{output} and {written[place]} would overwrite each other or their JSON files; "
                "give every output a name of its own."
            )
        written[place] = output
