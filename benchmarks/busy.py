"""What training, correction and search take beside other busy processes, against a machine at rest.

Run it as ``python benchmarks/busy.py``; it prints its part of the page. Each piece of work runs in
a process of its own, at rest and beside one process a core that does nothing but count, once as
mcnet waits (threads that wait for others sleep) and once as OpenMP waits by itself (they spin).
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import page

from mcnet.core.engine import n_cores

POLICIES: Mapping[str, Mapping[str, str]] = {
    "as mcnet": {},
    "spinning": {"OMP_WAIT_POLICY": "active", "KMP_BLOCKTIME": "200"},
}
_SECONDS = 6.0
_ROUNDS = 3
_MOST_TIMES = 3.0


def training() -> Callable[[], None]:
    """One step of the demo's network on a batch of eight slices."""
    import torch

    from mcnet.networks.unet import UNet, UNetConfig

    config = UNetConfig(levels=4, width=12, head="residual", fold=2)
    network = UNet(config).train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters())
    slices = torch.rand(8, 1, 128, 128)

    def step() -> None:
        optimiser.zero_grad()
        (network(slices) - slices).abs().mean().backward()
        optimiser.step()

    return step


def correction() -> Callable[[], None]:
    """A network over 32 slices, a batch on each core."""
    import torch

    from mcnet.correction.batches import in_batches
    from mcnet.networks.unet import UNet, UNetConfig

    network = UNet(UNetConfig(levels=5, width=8, head="residual")).eval()
    slices = torch.rand(32, 1, 128, 128)

    def task(part: slice) -> None:
        with torch.inference_mode():
            network(slices[part])

    return lambda: in_batches(task, len(slices), 4, device="cpu")


def search() -> Callable[[], None]:
    """Two steps a resolution of the search for motion in twelve slices."""
    from dataclasses import replace

    from mcnet.correction.magnitude_motion import SEARCH, find_motion
    from mcnet.physics.in_plane import SliceGrid

    few = replace(SEARCH, n_steps=tuple(2 for _ in SEARCH.n_steps))
    slices = np.random.default_rng(1).random((12, 96, 96), dtype=np.float32)
    grid = SliceGrid((96, 96), (2.0, 2.0), 0)
    return lambda: find_motion(slices, grid, seen_mm=0.0, settings=few) and None


WORK: Mapping[str, Callable[[], Callable[[], None]]] = {
    "training step": training,
    "network of a correction": correction,
    "search for motion": search,
}


def run() -> page.Section:
    """Seconds of each piece of work at rest and beside busy processes, as medians."""
    rows, targets = [], []
    for work in WORK:
        seconds = {(policy, busy): [] for policy in POLICIES for busy in (False, True)}
        for _ in range(_ROUNDS):
            for policy, busy in seconds:
                with neighbours(n_cores() if busy else 0):
                    seconds[policy, busy].append(_measured(work, POLICIES[policy]))
        for policy in POLICIES:
            rest, beside = (float(np.median(seconds[policy, busy])) for busy in (False, True))
            cells = (f"{1e3 * rest:.0f} ms", f"{1e3 * beside:.0f} ms", f"{beside / rest:.1f}")
            rows.append((work, policy, *cells))
            if policy == "as mcnet":
                promise = f"{work}: at most {_MOST_TIMES:.0f} times slower"
                targets.append(page.Target(promise, beside / rest, beside / rest <= _MOST_TIMES))
    return page.Section(
        "Beside other busy processes",
        [
            f"{n_cores()} cores, and as many processes that only count. A fair share of the cores "
            f"would make everything twice as slow. Medians of {_ROUNDS} processes each.",
            page.table(("work", "threads wait", "at rest", "beside", "times slower"), rows),
        ],
        targets,
    )


@contextmanager
def neighbours(n: int) -> Iterator[None]:
    """Have so many processes count meanwhile."""
    counting = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(counting) for _ in range(n)]  # noqa: S603
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _measured(work: str, environment: Mapping[str, str]) -> float:
    """Seconds of one call, the median of those of some seconds in a process of its own."""
    command = [sys.executable, __file__, work]
    clean = {name: value for name, value in os.environ.items() if name not in POLICIES["spinning"]}
    told = subprocess.run(  # noqa: S603
        command, env=clean | environment, check=True, capture_output=True
    )
    return float(told.stdout)


def _measure(work: str) -> None:
    call = WORK[work]()
    call()
    seconds, start = [], time.perf_counter()
    while len(seconds) < 3 or time.perf_counter() - start < _SECONDS:
        before = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - before)
    sys.stdout.write(f"{np.median(seconds)}\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measure(sys.argv[1])
    else:
        page.show(run())
