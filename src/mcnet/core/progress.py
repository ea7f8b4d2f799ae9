"""How long work is told of while it goes on, without printing from the library."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

OnProgress = Callable[[int, int], None]
"""Called with the number of things done and the number of all."""
Announce = Callable[[str], AbstractContextManager[OnProgress]]
"""Begins a piece of work by its title, and lends what its progress is told to."""


@contextmanager
def silently(title: str) -> Iterator[OnProgress]:  # noqa: ARG001 (the signature of Announce)
    """Tell nobody."""
    yield lambda _done, _total: None
