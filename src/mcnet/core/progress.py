"""How far work has come, told to whoever asks; the library itself prints nothing."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

OnProgress = Callable[[int, int], None]
"""Called with the number of things done and the number of all."""
Announce = Callable[[str], AbstractContextManager[OnProgress]]
"""Begins a piece of work by its title, and lends what its progress is told to."""


class Progress:
    """Progress of one piece of work, which hands shares of itself to the parts of that work.

    It is itself an `OnProgress`, so that it goes wherever one goes.

    Parameters
    ----------
    tell
        What is told; None: nobody is.

    Examples
    --------
    >>> told = []
    >>> whole = Progress(lambda done, total: told.append((done, total)))
    >>> whole.steps(20, 50)(1, 30)  # the first of 30 steps, after 20 others, of 50
    >>> whole.part(1, 4)(3, 10)  # the second of four equal parts, of which 3 of 10 steps are done
    >>> told
    [(21, 50), (13, 40)]
    """

    def __init__(self, tell: OnProgress | None = None) -> None:
        self._tell = tell

    def __call__(self, done: int, total: int) -> None:
        """Tell that so many of all are done."""
        if self._tell is not None:
            self._tell(done, total)

    def steps(self, n_before: int, n_total: int) -> "Progress":
        """Progress of a part that counts its own steps, ``n_before`` after the whole's first.

        Parameters
        ----------
        n_before
            Steps of the whole that are done when the part begins.
        n_total
            Steps of the whole.
        """
        return Progress(lambda done, _: self(n_before + done, n_total))

    def part(self, number: int, n_parts: int) -> "Progress":
        """Progress of one of ``n_parts`` equal parts, counted from 0."""
        return Progress(lambda done, total: self(number * total + done, n_parts * total))


@contextmanager
def silently(title: str) -> Iterator[OnProgress]:  # noqa: ARG001 (the signature of Announce)
    """Tell nobody."""
    yield Progress()
