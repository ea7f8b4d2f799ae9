"""What every command shares: where it prints, how progress is drawn, the name of the output.

Every line goes through this module, which prints it letter by letter: a path may hold what rich
takes for markup, and bytes that the terminal cannot show. Nothing is wrapped in the middle of a
line, so that paths stay whole.
"""

import io
import json
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from mcnet.core.progress import OnProgress

Output = Annotated[Path, tyro.conf.arg(aliases=("-o",))]


def tell(text: str, *, style: str = "") -> None:
    """Print what is told to people, to standard error."""
    _console(to_people=True).print(Text(text, style), soft_wrap=True)


def tell_result(text: str) -> None:
    """Print what was asked for, to standard output."""
    _console(to_people=False).print(Text(text), soft_wrap=True)


def tell_named(entries: Sequence[tuple[str, str]]) -> None:
    """Print names and values to standard output: a grid, and a blank line below it.

    Values are wrapped between words; a longer word is left whole.
    """
    width = max(len(name) for name, _ in entries) + 2
    console = _console(to_people=False)
    for name, value in entries:
        room = max(console.width - width, 20)
        lines = textwrap.wrap(value, room, break_long_words=False, break_on_hyphens=False)
        for number, line in enumerate(lines or [""]):
            tell_result(f"{'' if number else name:{width}}{line}".rstrip())
    tell_result("")


def print_json(content: object) -> None:
    """Print JSON for other programs, to standard output."""
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")


@contextmanager
def announce(title: str) -> Iterator[OnProgress]:
    """Print what begins; draw a bar once there is progress to show."""
    tell(title)
    bar = Progress(console=_console(to_people=True), transient=True)
    task = bar.add_task("", total=None)

    def on_progress(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield on_progress
    finally:
        bar.stop()


def model_file(model: str | None) -> Path | None:
    """The weights file that ``--model`` names; of a model that comes with mcnet, none."""
    return Path(model) if model and Path(model).is_file() else None


@contextmanager
def waiting(title: str) -> Iterator[None]:
    """Show what goes on, on a terminal, until it is done."""
    console = _console(to_people=True)
    # the usual spinner is of signs that other encodings than Unicode's do not have
    with console.status(Text(title), spinner="line" if console.options.ascii_only else "dots"):
        yield


def print_what_cannot_be_shown() -> None:
    r"""Have signs that a stream's encoding lacks printed as ``\udcff``, and end in no traceback.

    They stand in names with bytes that are no UTF-8, and in all names where the terminal is set to
    ASCII or Latin-1.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _console(*, to_people: bool) -> Console:
    """Console of a stream as it is now, by whose encoding rich chooses the signs of a bar."""
    stream = sys.stderr if to_people else sys.stdout
    return Console(file=stream, markup=False, emoji=False, highlight=False)
