"""Progress of a call from Python, where it is asked for: as a bar, or to a function."""

from collections.abc import Iterator
from contextlib import contextmanager

from mcnet.core.progress import OnProgress, Progress

AskedProgress = bool | OnProgress
"""Whether a bar is drawn, on standard error or in a notebook; or what is called with the number of
steps done and of all."""


@contextmanager
def shown(progress: AskedProgress, title: str) -> Iterator[Progress]:
    """Lend what a piece of work tells its progress to."""
    if not isinstance(progress, bool):
        yield Progress(progress)
        return
    if not progress:
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True, markup=False), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield Progress(lambda done, total: bar.update(task, completed=done, total=total))
