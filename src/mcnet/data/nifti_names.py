"""Names of NIfTI files: what scans are called, and which outputs are refused before any work."""

from collections.abc import Sequence
from pathlib import Path

from mcnet.errors import McnetError
from mcnet.provenance import cannot_read, cannot_write, read_json, refuse_unwritable

SUFFIXES = (".nii.gz", ".nii")
_SUFFIXES_READ = (*SUFFIXES, ".img.gz", ".img", ".hdr.gz", ".hdr")


def nifti_stem(path: Path) -> str:
    """Name of a file without its folder and without NIfTI's ending, in capitals or not."""
    for suffix in _SUFFIXES_READ:
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def is_single_nifti(path: Path) -> bool:
    """Whether a file is NIfTI in one file by its name, in capitals or not."""
    return path.name.lower().endswith(SUFFIXES)


def scans_in_folder(folder: Path) -> dict[str, Path]:
    """NIfTI files of a plain folder by their names without ending, sorted; hidden ones left out.

    Raises
    ------
    McnetError
        The folder cannot be read, two files differ in their ending alone, or one is a link to
        nothing.
    """
    found: dict[str, Path] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise cannot_read(folder, error) from error
    for path in paths:
        if not is_single_nifti(path) or path.name.startswith(".") or path.is_dir():
            continue
        check_fetched(path)
        if nifti_stem(path) in found:
            raise McnetError(
                f"{folder} has two scans named {nifti_stem(path)}; one file a person is needed: "
                "move the other elsewhere."
            )
        found[nifti_stem(path)] = path
    return found


def check_fetched(path: Path) -> None:
    """Refuse a link to nothing, as DataLad leaves them until the content is fetched.

    Raises
    ------
    McnetError
        It is such a link.
    """
    if path.is_symlink() and not path.exists():
        raise McnetError(
            f"{path} is a link to a file that is not here; fetch its content first (datalad get)."
        )


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
