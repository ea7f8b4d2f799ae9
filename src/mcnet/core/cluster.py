"""Workers that share the work: processes of this machine, or those of a scheduler elsewhere.

The only place that imports dask. Dask sends work between its own processes as pickles, so a
scheduler must be as trusted as one's own shell; workers started here listen to this machine alone.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

from distributed import Client, LocalCluster, as_completed
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import KilledWorker

from mcnet.core.errors import BadOptionError, McnetError

_CONNECT_S = 10
_WORKERS_S = 60
_LOST = (CancelledError, FutureCancelledError, CommClosedError)


class Cluster:
    """A scheduler and its workers, to whom tasks are given."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name

    def submit(self, work: Callable[..., Any], *arguments: Any, name: str) -> Any:
        """Future result of a task. Arguments may be futures; a lost result is made again."""
        return self.client.submit(work, *arguments, key=f"{name}-{self.client.id}")

    def finished(self, futures: Sequence[Any]) -> Iterator[Any]:
        """Yield the results as they come; the first error stops all.

        Raises
        ------
        McnetError
            Workers died again and again over one task, or the scheduler is gone.
        """
        try:
            for _, result in as_completed(futures, with_results=True):
                if isinstance(result, CancelledError):  # dask returns it, not raises it
                    raise result
                yield result
        except KilledWorker as error:
            raise McnetError(
                f"workers of {self.name} died {error.allowed_failures + 1} times over one task, "
                "most likely for want of memory; give each more memory, and the same command goes "
                "on from here."
            ) from error
        except _LOST as error:
            raise McnetError(
                f"{self.name} is gone; start it again, and the same command goes on from here."
            ) from error
        finally:
            self.client.cancel(list(futures), force=True)


@contextmanager
def local_cluster(n_workers: int) -> Iterator[Cluster]:
    """Lend processes of this machine, one thread each; a worker that dies is started again.

    Raises
    ------
    McnetError
        The number is impossible.
    """
    if n_workers < 1:
        raise BadOptionError(f"{n_workers} workers are impossible; give 1 or more.")
    with (
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # left out, it would listen to every address
            silence_logs=logging.ERROR,
        ) as processes,
        Client(processes) as client,
    ):
        yield Cluster(client, f"the {n_workers} workers here")


@contextmanager
def remote_cluster(scheduler: str) -> Iterator[Cluster]:
    """Lend the workers of a scheduler, by its address: ``tcp://host:8786``.

    Raises
    ------
    McnetError
        The scheduler is not to be reached, or has no workers for a minute.
    """
    name = f"the scheduler at {scheduler}"
    try:
        client = Client(scheduler, timeout=_CONNECT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise McnetError(
            f"{name} cannot be reached; check the address (tcp://host:8786) and that "
            "dask scheduler runs there, or leave it out to work on this machine."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_S)
        except TimeoutError as error:
            raise McnetError(
                f"{name} had no workers for {_WORKERS_S} s; start some: dask worker {scheduler}"
            ) from error
        yield Cluster(client, name)
