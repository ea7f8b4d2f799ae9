"""The extras of the package: what they install, whether it is there, and how it is had."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from mcnet.core.errors import MissingExtraError

_TRAIN = (
    *("SimpleITK", "jinja2", "lightning", "matplotlib"),
    *("safetensors", "torch", "torchmetrics"),
)
EXTRAS: Mapping[str, tuple[str, ...]] = {
    "train": _TRAIN,
    "cluster": ("dask", "distributed", "fsspec"),
    "dicom": ("pydicom",),
    "export": (*_TRAIN, "onnx", "onnxscript"),
    "raw": ("h5py", "ismrmrd", "xsdata"),
    "readers": (*_TRAIN, "fastapi", "statsmodels", "uvicorn"),
    "gpu": ("cufinufft", "cupy"),
}
"""What each extra installs, by the names of the modules; those of others that it includes first."""
PAGES: tuple[str, ...] = ("jinja2", "matplotlib")
"""Modules of the extra train that pages and figures are made with."""


def check_extra(extra: str, needed_for: str, modules: Sequence[str] | None = None) -> None:
    """Refuse, before any work, what needs an extra that is not installed; nothing is imported.

    Parameters
    ----------
    extra
        Its name, as in `EXTRAS`.
    needed_for
        What needs it, for the sentence: a command, or one of its flags.
    modules
        Only these of its modules.

    Raises
    ------
    MissingExtraError
        A module is missing.
    """
    for module in EXTRAS[extra] if modules is None else modules:
        if not _is_installed(module):
            raise MissingExtraError(told_of_extra(module, extra, needed_for))


def extra_of(module: str) -> str | None:
    """The extra that installs a module, if any does."""
    return next((extra for extra, modules in EXTRAS.items() if module in modules), None)


def told_of_extra(module: str, extra: str, needed_for: str) -> str:
    """Say in a sentence which extra a missing module comes with."""
    return (
        f"{module} is not installed; {needed_for} needs the extra {extra}: {how_to_install(extra)}."
    )


def how_to_install(extra: str) -> str:
    """How an extra is had, in words for the end of a sentence: mcnet is in no package index."""
    return f"in a copy of mcnet's repository, give pip install '.[{extra}]' -c constraints.txt"


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # it was loaded in a way that leaves no specification
        return True
