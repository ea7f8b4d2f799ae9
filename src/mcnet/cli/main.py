"""The table of commands, and where `McnetError` ends.

What takes long to import is imported within the commands that use it.
"""

import sys
from collections.abc import Callable, Sequence

import tyro
from tyro.extras import SubcommandApp

from mcnet import __version__
from mcnet.cli.correction import correct, export, models
from mcnet.cli.experiments import demo, reproduce
from mcnet.cli.kspace import evaluate_raw, reconstruct
from mcnet.cli.measuring import compare, evaluate, motion
from mcnet.cli.readers import READERS
from mcnet.cli.simulation import corrupt, simulate
from mcnet.cli.terminal import print_what_cannot_be_shown, tell, tell_result
from mcnet.cli.training import train
from mcnet.errors import McnetError
from mcnet.extras import extra_of, told_of_extra
from mcnet.provenance import recorded_command

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "correct": correct,
    "models": models,
    "evaluate": evaluate,
    "export": export,
    "corrupt": corrupt,
    "simulate": simulate,
    "reconstruct": reconstruct,
    "evaluate-raw": evaluate_raw,
    "reproduce": reproduce,
    "train": train,
    "compare": compare,
    "motion": motion,
}
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "readers": ("Let readers judge images blindly, and count what they say.", READERS),
}
"""Commands of several words: what a group is for, and what its second words do."""
_RESUMED = ("demo", "reproduce", "simulate", "train")
"""Commands that go on from where they were interrupted."""
_DESCRIPTION = (
    "mcnet makes, corrects and measures head motion in structural brain MRI. "
    "A research tool, not a medical device."
)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; bad input ends in one sentence and exit status 2."""
    print_what_cannot_be_shown()
    given = list(sys.argv[1:] if args is None else args)
    if given == ["--version"]:
        tell_result(f"mcnet {__version__}")
        return
    try:
        with recorded_command("mcnet", given):
            _all_commands().cli(
                prog="mcnet",
                description=_DESCRIPTION,
                args=given,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except (McnetError, KeyboardInterrupt, ModuleNotFoundError, OSError, MemoryError) as error:
        _fail(_sentence_about(error, given))


def _all_commands() -> SubcommandApp:
    app = SubcommandApp()
    for name, command in COMMANDS.items():
        app.command(name=name)(command)
    for name, (purpose, commands) in GROUPS.items():
        group = SubcommandApp()
        for second, command in commands.items():
            group.command(name=second)(command)
        app.command(group, name=name, help=purpose)
    return app


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
