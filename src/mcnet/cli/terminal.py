"""What every command shares: where it prints, how progress is drawn, the name of the output."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import Progress

from mcnet.progress import OnProgress

console = Console(stderr=True, highlight=False)
"""Where what is told to people goes; what programs read goes to standard output."""

Output = Annotated[Path, tyro.conf.arg(aliases=("-o",))]


@contextmanager
def announce(title: str) -> Iterator[OnProgress]:
    """Print what begins; draw a bar once there is progress to show."""
    console.print(title, soft_wrap=True, markup=False)
    bar = Progress(console=console, transient=True)
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


def print_json(content: object) -> None:
    """Print JSON for other programs."""
    sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
