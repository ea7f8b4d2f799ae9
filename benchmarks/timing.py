"""Times of calls that take turns, so that what disturbs the machine disturbs all alike."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psutil

_QUICK_S = 0.5
"""A call that takes less is made once untimed before every timed run: threads of the side before
are then at rest, and memory and caches are its own. Others only before their first."""


@dataclass(frozen=True)
class Times:
    """Seconds of the timed runs of one call."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.seconds))

    def __str__(self) -> str:
        """Median and range with the unit that fits, and how many runs it is of."""
        unit, factor = ("ms", 1e3) if self.median < 1 else ("s", 1.0)
        middle, least, most = (
            _digits(value * factor) for value in (self.median, min(self.seconds), max(self.seconds))
        )
        n = len(self.seconds)
        return f"{middle} {unit} (one run)" if n == 1 else f"{middle} {unit} ({least}–{most})"


def take_turns(
    calls: Mapping[str, Callable[[], Any]], n_rounds: int, limits: Mapping[str, int] | None = None
) -> dict[str, Times]:
    """Times of calls that run one after another, ``n_rounds`` times over.

    ``limits`` gives slow ones fewer rounds, the first ones, and no untimed calls.
    """
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    limits = limits or {}
    for turn in range(n_rounds):
        for name, call in calls.items():
            if turn >= limits.get(name, n_rounds):
                continue
            if name not in limits and (turn == 0 or seconds[name][-1] < _QUICK_S):
                call()
            seconds[name].append(elapsed(call))
    return {name: Times(tuple(values)) for name, values in seconds.items()}


def elapsed(call: Callable[[], Any]) -> float:
    """Seconds that one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def with_peak_memory(call: Callable[[], Any]) -> tuple[Any, float]:
    """Result of a call, and the most memory in MB that the process held beyond the start."""
    process, done = psutil.Process(), threading.Event()
    before = highest = process.memory_info().rss

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.002):
            highest = max(highest, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = call()
    finally:
        done.set()
        watcher.join()
    return result, (highest - before) / 1e6


def _digits(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
