"""Whole runs of ``mcnet simulate`` with more and more workers: speed, efficiency, memory."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import page
import psutil

from mcnet.core.engine import n_cores

_DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
HEADS = Path(os.environ.get("MCNET_TEST_DATA", _DATA)).resolve() / "heads"
"""Real heads, where they are at hand; drawn ones otherwise."""
_DRAWN = "n_template = 8"
EXPERIMENT = """\
title = "Speed of simulation"
seed = 1

[subjects]
{subjects}

[motion]
n_generated = 78
shared = true
"""
_RATE = re.compile(r"(\d+) of them new at ([\d.]+) a second")


@dataclass(frozen=True)
class Run:
    """One run of the command."""

    n_workers: int
    n_pairs: int
    pairs_per_s: float
    """As the command says: from the first task to the last, drawing the heads included."""
    wall_s: float
    """With the start of Python and of the workers."""
    peak_mb: float
    """Most resident memory of all its processes together."""


def run(counts: tuple[int, ...]) -> list[str]:
    """Paragraphs on runs with each number of workers; a sentence where they cannot be made."""
    title = "### Workers of `mcnet simulate`"
    missing = _missing()
    if missing:
        return [title, missing]
    runs = [_timed(n) for n in counts]
    first = runs[0]
    rows = [
        (
            f"{one.n_workers} worker{'s' if one.n_workers > 1 else ''}",
            f"{one.pairs_per_s:.0f}",
            f"{one.pairs_per_s / first.pairs_per_s:.2f}",
            f"{_efficiency(one, first):.0%}",
            f"{one.wall_s:.0f} s",
            f"{one.peak_mb:.0f} MB",
        )
        for one in runs
    ]
    head = ("", "pairs a second", "speed-up", "efficiency", "whole command", "peak memory")
    heads = "all real heads at hand" if HEADS.is_dir() else "8 drawn heads"
    text = (
        f"{first.n_pairs} pairs of slices of {heads}, each moved by 78 generated traces, two "
        "modes of motion, into a fresh zarr store; one run each. *Pairs a second* is what the "
        "command prints: from the first task to the last, reading and preparing the heads "
        "included, the start of Python and of the workers not. *Efficiency*: pairs a second over "
        "the number of workers times those of one. *Peak memory*: resident memory of all its "
        "processes together, pages that they share counted for each."
    )
    return [title, text, page.table(head, rows)]


def _efficiency(one: Run, first: Run) -> float:
    return one.pairs_per_s / first.pairs_per_s * first.n_workers / one.n_workers


def _missing() -> str | None:
    """Why the command cannot be run, if it cannot."""
    answer = subprocess.run(  # noqa: S603  (our own command)
        [_command(), "simulate", "--help"], capture_output=True, text=True, check=False
    )
    if answer.returncode == 0 and "--workers" in answer.stdout:
        return None
    return "Left out: this version has no `mcnet simulate --workers`."


def _timed(n_workers: int) -> Run:
    with TemporaryDirectory() as name:
        experiment = Path(name) / "speed.toml"
        subjects = f'folders = ["{HEADS}"]' if HEADS.is_dir() else _DRAWN
        experiment.write_text(EXPERIMENT.format(subjects=subjects))
        command = [_command(), "simulate", str(experiment), "-o", str(Path(name) / "pairs.zarr")]
        started = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [*command, "--workers", str(n_workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        peak = _peak_mb(process)
        wall_s = time.perf_counter() - started
        said = process.communicate()[0]
    found = _RATE.search(" ".join(said.split()))
    if process.returncode or not found:
        raise RuntimeError(f"mcnet simulate with {n_workers} workers failed: {said}")
    return Run(n_workers, int(found[1]), float(found[2]), wall_s, peak)


def _peak_mb(process: subprocess.Popen[str]) -> float:
    """Most memory of a process and all below it, watched until it ends."""
    peak, top = 0, psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for one in (top, *_below(top)):
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        peak = max(peak, total)
        time.sleep(0.1)
    return peak / 1e6


def _below(top: psutil.Process) -> list[psutil.Process]:
    try:
        return top.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _command() -> str:
    """The command of the environment that runs this."""
    return str(Path(sys.executable).parent / "mcnet")


def powers_of_two() -> tuple[int, ...]:
    """1, 2, 4, ... up to the number of cores."""
    n = n_cores()
    return tuple(2**power for power in range(n.bit_length()) if 2**power <= n)
