"""One call as several processes of this machine, which find one another as Lightning's do."""

import os
import signal
import sys
from collections.abc import Callable

from lightning.fabric.plugins.environments.lightning import find_free_network_port
from torch.multiprocessing.spawn import ProcessExitedException, start_processes

from mcnet.core.errors import McnetError
from mcnet.core.provenance import command, recorded_as

_GRACE_S = 10.0
"""Once a process has failed, so long the others have to say what they know, and to end."""


def launch(target: Callable[[], None], n_processes: int) -> None:
    """Run a call, which must be picklable, as so many processes, and wait for all of them.

    They are started afresh, whatever program calls this, and end with it.

    Raises
    ------
    McnetError
        A process was killed.
    SystemExit
        A process told what is wrong, and ended with this status.
    """
    meeting = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(find_free_network_port()),
        "WORLD_SIZE": str(n_processes),
        "NODE_RANK": "0",
    }
    started = start_processes(  # type: ignore[no-untyped-call]
        _run, (target, meeting, command()), n_processes, join=False, start_method="spawn"
    )
    try:
        while not started.join(grace_period=_GRACE_S):
            pass
    except ProcessExitedException as error:
        _end_as(error, [process.exitcode for process in started.processes])
    except KeyboardInterrupt:  # the processes heard it too, and the first of them tells
        for process in started.processes:
            process.join(_GRACE_S)
            process.kill()
        sys.exit(2)


def _run(rank: int, target: Callable[[], None], meeting: dict[str, str], given: str) -> None:
    """What one of the processes does; what it writes names the command that was given."""
    os.environ.update(meeting | {"LOCAL_RANK": str(rank)})
    try:
        with recorded_as(given):
            target()
    except KeyboardInterrupt:
        sys.exit(2)


def _end_as(error: ProcessExitedException, statuses: list[int | None]) -> None:
    killed = [-status for status in statuses if status is not None and status < 0]
    if 2 in statuses and signal.SIGKILL not in killed:
        sys.exit(2)
    raise McnetError(
        f"{error}, with which the training ended; see what it told, give it more memory if the "
        "system killed it, and give the same command again to go on from the last whole epoch."
    ) from error
