"""Where errors end: one sentence and exit status 2."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mcnet.cli.terminal import tell
from mcnet.core.errors import McnetError
from mcnet.core.extras import extra_of, told_of_extra

_RESUMED = ("demo", "reproduce", "simulate", "train")
"""Commands that go on from where they were interrupted."""


@contextmanager
def errors_told(given: Sequence[str]) -> Iterator[None]:
    """Run a command, given as these words; an error of the user's ends in a sentence."""
    try:
        yield
    except (McnetError, KeyboardInterrupt, ModuleNotFoundError, OSError, MemoryError) as error:
        _fail(_sentence_about(error, given))


def _sentence_about(error: BaseException, given: Sequence[str]) -> str:
    """Say how a command ended; of a missing module that is mcnet's own fault, raise it again."""
    command = given[0] if given else ""
    if isinstance(error, KeyboardInterrupt):
        # of a data set, what was corrected stays and is not done again
        if command in _RESUMED or (command == "correct" and "participant" in given):
            return "interrupted; give the same command again to go on from here."
        return "interrupted; nothing was written."
    if isinstance(error, ModuleNotFoundError):
        module = (error.name or "").partition(".")[0]
        extra = extra_of(module)
        if extra is None:
            raise error
        return told_of_extra(module, extra, f"mcnet {command}")
    if isinstance(error, MemoryError):
        wanted = f" ({str(error)[0].lower()}{str(error)[1:]})" if str(error) else ""
        return (
            f"the memory of this machine is too small for that{wanted}; give a smaller scan or "
            "grid, or another machine."
        )
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return (
            f"{error.filename or 'a file'} cannot be read or written ({reason}); check that it is "
            "there, that you may use it, and that the disk has room."
        )
    return str(error)


def _fail(sentence: str) -> None:
    tell(f"mcnet: {sentence}", style="red")
    sys.exit(2)
