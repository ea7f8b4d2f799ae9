"""The table of commands.

What takes long to import is imported within the commands that use it.
"""

import sys
from collections.abc import Callable, Sequence

import tyro
from tyro.extras import SubcommandApp

from mcnet import __version__
from mcnet.cli.correction import correct, export, models
from mcnet.cli.ending import DEBUG_FLAG, debugging, errors_told
from mcnet.cli.experiments import demo, reproduce
from mcnet.cli.kspace import evaluate_raw, reconstruct
from mcnet.cli.measuring import compare, evaluate, motion
from mcnet.cli.readers import READERS
from mcnet.cli.simulation import corrupt, simulate
from mcnet.cli.terminal import print_what_cannot_be_shown, tell_result
from mcnet.cli.training import train
from mcnet.core.provenance import recorded_command

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
    "readers": ("Blinded reader studies: create, serve, and evaluate them.", READERS),
}
"""Commands of several words: what a group is for, and what its second words do."""
_DESCRIPTION = (
    "mcnet makes, corrects and measures head motion in structural brain MRI. "
    "A research tool, not a medical device. "
    f"Any command takes {DEBUG_FLAG}: it shows what is decided, and of an error the traceback."
)


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; bad input ends in one sentence and exit status 2."""
    print_what_cannot_be_shown()
    words = list(sys.argv[1:] if args is None else args)
    given = [word for word in words if word != DEBUG_FLAG]
    if given == ["--version"]:
        tell_result(f"mcnet {__version__}")
        return
    with (
        debugging(DEBUG_FLAG in words),
        errors_told(given),
        recorded_command("mcnet", given),
    ):
        _all_commands().cli(
            prog="mcnet",
            description=_DESCRIPTION,
            args=given,
            config=(tyro.conf.FlagCreatePairsOff,),
        )


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
