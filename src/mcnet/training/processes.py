"""The processes that train one network together, and the part of the work that is each one's.

Every process holds the same weights and takes its part of each batch. What must be done once is
done by the first process while the others wait.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, distributed

from mcnet.core.engine import n_cores
from mcnet.core.errors import McnetError

Made = TypeVar("Made")


class OtherProcessError(McnetError):
    """Bad input that another process of the same training tells of."""


class _Failed:
    """What is handed round in place of a result that could not be made."""


@dataclass(frozen=True)
class Processes:
    """Which of how many processes this is; by default the only one."""

    rank: int = 0
    """Number of this process, from 0."""
    n: int = 1
    """Processes of all nodes together."""
    n_nodes: int = 1
    """Machines, with equally many processes each."""
    environment: Any = None
    """Lightning's ``ClusterEnvironment``: who started the processes, and where they meet."""
    waiting: Any = None
    """``ProcessGroup`` of all processes that wait for one another as long as it takes."""

    @property
    def is_first(self) -> bool:
        """Whether this process writes and tells what is written and told once."""
        return self.rank == 0

    @property
    def per_node(self) -> int:
        """Processes of one machine."""
        return self.n // self.n_nodes

    def part(self, rows: np.ndarray) -> np.ndarray:
        """Part of the first axis that is this process's; all parts have nearly the same size."""
        return np.array_split(rows, self.n)[self.rank]

    def mean(self, value: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Mean of a value over the processes, without its gradient."""
        if self.n == 1:
            return value.detach()
        total = value.detach().clone()
        distributed.all_reduce(total)
        return total / self.n

    def share(self, images: Float[Tensor, "n ..."]) -> Float[Tensor, ""]:
        """Number of images here over the mean number of the processes.

        A mean over the images here, times this share, has as its mean over the processes the mean
        over all images, however these are parted.
        """
        return share_of(images, self.mean)

    def by_first(self, make: Callable[[], Made]) -> Made:
        """What the first process makes, given to all of them; the others wait for it.

        Raises
        ------
        McnetError
            As ``make`` raises it; on the other processes an `OtherProcessError`.
        """
        return self.made_by(0, make)

    def made_by(self, rank: int, make: Callable[[], Made]) -> Made:
        """What one process makes, as `by_first`."""
        if self.n == 1:
            return make()
        handed: list[Any] = [None]
        raised: McnetError | None = None
        if self.rank == rank:
            try:
                handed[0] = make()
            except McnetError as error:
                handed[0], raised = _Failed(), error
        distributed.broadcast_object_list(handed, src=rank, group=self.waiting)
        if raised is not None:
            raise raised
        if isinstance(handed[0], _Failed):
            raise OtherProcessError(f"process {rank} of the training tells what is wrong.")
        made: Made = handed[0]
        return made


ALONE = Processes()


def alone(value: Tensor) -> Tensor:
    """Mean over one process: the value itself."""
    return value


def share_of(
    images: Float[Tensor, "n ..."], across: Callable[[Tensor], Tensor]
) -> Float[Tensor, ""]:
    """Number of images here over what ``across``, a mean over the processes, makes of it."""
    n_images = torch.tensor(float(len(images)), device=images.device)
    return n_images / across(n_images)


@contextmanager
def within_cores(processes: Processes) -> Iterator[None]:
    """Let PyTorch use no more threads than this process has cores, then as many as before.

    PyTorch knows the affinity, but neither the quota of a cgroup nor the other processes that train
    on this machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(min(before, n_cores() // processes.per_node), 1))
    try:
        yield
    finally:
        torch.set_num_threads(before)
