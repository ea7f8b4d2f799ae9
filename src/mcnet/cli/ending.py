"""How a command ends: an error of the user's in one sentence, with exit status 2.

With ``--debug`` the traceback follows the sentence, and what the library logs is shown.
"""

import logging
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mcnet.cli.terminal import tell
from mcnet.core.errors import McnetError
from mcnet.core.extras import extra_of, told_of_extra

DEBUG_FLAG = "--debug"
_DEBUG = "MCNET_DEBUG"
"""The environment variable that hands the flag to the processes that a command starts."""
_RESUMED = ("demo", "reproduce", "simulate", "train")
"""Commands that go on from where they were interrupted."""


@contextmanager
def errors_told(given: Sequence[str]) -> Iterator[None]:
    """Run a command, given as these words; an error of the user's ends in a sentence."""
    try:
        yield
    except (McnetError, KeyboardInterrupt, ModuleNotFoundError, OSError, MemoryError) as error:
        tell(f"mcnet: {_sentence_about(error, given)}", style="red")
        if _is_debugged():
            tell("".join(traceback.format_exception(error)).rstrip())
        sys.exit(2)


@contextmanager
def debugging(asked: bool) -> Iterator[None]:
    """Show meanwhile what the library logs, and tracebacks, if they were asked for.

    They are where the flag was given, or where ``MCNET_DEBUG=1`` is in the environment: by the
    user, or by the command that started this process.
    """
    if not (asked or _is_debugged()):
        yield
        return
    before = os.environ.get(_DEBUG)
    os.environ[_DEBUG] = "1"
    logger, handler = logging.getLogger("mcnet"), _ToTerminal()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        if before is None:
            del os.environ[_DEBUG]
        else:
            os.environ[_DEBUG] = before


class _ToTerminal(logging.Handler):
    """Prints as everything else of the command line is printed, to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        tell(self.format(record), style="dim")


def _is_debugged() -> bool:
    return os.environ.get(_DEBUG, "0") not in ("", "0")


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
