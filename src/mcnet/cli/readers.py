"""Commands of a blinded reader study: draw it, serve it, report it."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from mcnet.cli.first_checks import check_at_least, check_exists
from mcnet.cli.terminal import Output, announce, tell, tell_result, waiting
from mcnet.core.errors import McnetError
from mcnet.core.extras import PAGES, check_extra
from mcnet.core.seeds import check_seed

if TYPE_CHECKING:
    from mcnet.reader_study.cases import CaseSource

Folder = tyro.conf.Positional[Path]
_STUDY = "the folder of a study that mcnet readers create made"
_OF_SERVER = ("fastapi", "jinja2", "uvicorn")


def create(
    run: Annotated[
        tyro.conf.Positional[Path | None],
        tyro.conf.arg(metavar="[RUN]", help_behavior_hint=""),
    ] = None,
    *,
    output: Output,
    images: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="VERSION=DIR")
    ] = (),
    versions: tuple[str, ...] = (),
    design: Literal["scores", "choice"] = "scores",
    cases: int | None = None,
    strata: int = 4,
    repeats: float = 0.1,
    readers: int = 2,
    plane: Literal["sagittal", "coronal", "axial"] = "sagittal",
    seed: int = 1,
) -> None:
    """Draw a blinded study, and print the one-time code of every reader.

    Args:
        run: Folder that mcnet reproduce or mcnet demo wrote: its test slices are read.
        output: Folder of the study; it must be new.
        images: Instead of RUN, once for each version: a folder of NIfTI files, named alike in all.
        versions: Which versions are read, such as reference, corrupted, l1; all but smoothed.
        design: Score one image at a time on five-point scales, or choose between two.
        cases: How many cases are read; by default up to 40.
        strata: Classes of severity, which give equally many cases.
        repeats: Share of the images that are shown again, for agreement within readers.
        readers: How many readers.
        plane: Slices of volumes that are looked at.
        seed: Draws the cases; orders are random beyond it, since a seed can be guessed.
    """
    if (run is None) == (not images):
        raise McnetError(
            "a study is drawn from one place: give the folder of a run, or --images VERSION=DIR "
            "for each version."
        )
    check_extra("readers", "mcnet readers create")
    check_exists(run, "the folder of a run of mcnet reproduce or mcnet demo")
    check_at_least("--readers", readers, 1)
    check_seed(seed)
    from mcnet.core.outputs import FOLDER, check_outputs, given
    from mcnet.reader_study.creating import create_study
    from mcnet.reader_study.drawing import Drawing
    from mcnet.reader_study.from_folders import folder_source
    from mcnet.reader_study.study import STUDY

    drawing = Drawing(design, cases, strata, repeats, seed)
    folders = _folders(images)
    check_outputs(
        given(("-o", output, STUDY)),
        given(("", run, FOLDER), *(("--images", path, FOLDER) for path in folders.values())),
    )
    source: CaseSource
    if run is None:
        source = folder_source(folders, versions, plane=plane)
    else:
        from mcnet.reader_study.from_run import run_source

        source = run_source(run, versions)
    codes = create_study(output, source, drawing, n_readers=readers, announce=announce)
    for name, code in codes.items():
        tell_result(f"{name}  {code}")
    tell(
        f"{output}: the codes above work once each; give each reader one, and start mcnet readers "
        f"serve {output}. Words can be edited in {output / 'study.toml'}."
    )


def serve(
    study: Folder,
    host: str = "127.0.0.1",
    port: int = 8000,
    allow_remote: bool = False,
    behind_tls: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None,
) -> None:
    """Serve a study to browsers on this machine, until Ctrl-C; every reading is saved at once.

    Args:
        study: Folder of the study.
        host: Address to listen on.
        port: Port to listen on; 0 takes any that is free.
        allow_remote: Let other machines reach the server; nothing is encrypted.
        behind_tls: Name in the browsers' address, such as readers.example.org, where a proxy
            encrypts (TLS) and passes on to this server; cookies are then never sent unencrypted.
    """
    check_extra("readers", "mcnet readers serve", _OF_SERVER)
    check_exists(study, _STUDY)
    from mcnet.reader_study.serving import check_public_name, listening
    from mcnet.reader_study.serving import serve as serve_study
    from mcnet.reader_study.study import open_study

    opened = open_study(study)
    if behind_tls is not None:
        check_public_name(behind_tls)
    server = listening(host, port, allow_remote=allow_remote)
    name, taken = server.getsockname()[:2]
    shown = f"[{name}]" if ":" in name else name
    # an interrupt while the server still starts ends it without being raised again
    with suppress(KeyboardInterrupt):
        told = f"http://{shown}:{taken}"
        if behind_tls is not None:
            told = f"https://{behind_tls}, by a proxy that passes on to {told}"
        tell(f"Reading at {told} — Ctrl-C ends it.")
        serve_study(opened, server, allow_remote=allow_remote, public_name=behind_tls)
    tell("Ended; every reading is saved. The same command goes on.")


def code(study: Folder, reader: tyro.conf.Positional[str]) -> None:
    """Print a new one-time code for a reader, whose older code and browsers no longer count.

    Args:
        study: Folder of the study.
        reader: Name of the reader, such as reader-1.
    """
    check_exists(study, _STUDY)
    from mcnet.reader_study.schema import opened
    from mcnet.reader_study.signing_in import issue_code
    from mcnet.reader_study.study import open_study

    with opened(open_study(study).readings) as connection:
        tell_result(f"{reader}  {issue_code(connection, reader)}")


def report(
    study: Folder, output: Annotated[Path | None, tyro.conf.arg(aliases=("-o",))] = None
) -> None:
    """Write the statistics of a study, as far as it is read: a page and tables.

    Args:
        study: Folder of the study.
        output: Folder of report.html and the CSV files; by default STUDY/report.
    """
    check_extra("readers", "mcnet readers report", (*PAGES, "statsmodels"))
    check_exists(study, _STUDY)
    from mcnet.core.outputs import check_outputs, given
    from mcnet.reader_study.report import write_study_report
    from mcnet.reader_study.study import REPORT, STUDY, open_study

    folder = output or study / "report"
    check_outputs(given(("-o", folder, REPORT)), given(("", study, STUDY)))
    with waiting("Counting and comparing"):
        page = write_study_report(folder, open_study(study))
    tell(f"The report: {page}")


READERS: dict[str, Callable[..., None]] = {
    "create": create,
    "serve": serve,
    "code": code,
    "report": report,
}
"""The commands of ``mcnet readers``."""


def _folders(images: tuple[str, ...]) -> dict[str, Path]:
    folders: dict[str, Path] = {}
    for given in images:
        version, _, folder = given.partition("=")
        if not folder or not re.fullmatch(r"[\w+.-]+", version) or version in folders:
            raise McnetError(
                f"--images {given} is not VERSION=DIR with a version of its own; give, for "
                "example, --images corrupted=moved/ --images reference=still/."
            )
        folders[version] = Path(folder)
    return folders
