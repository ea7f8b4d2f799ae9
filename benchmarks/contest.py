"""Several sides that make the same images: speed, ratio to ours, error and memory in a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import page
from peers import Peer
from scans import Scan, exact_spectra, images_of, plain_sum_error, relative_error
from timing import Times, take_turns, with_peak_memory

_READY = " (points ready)"
HEAD = (
    "side",
    "new trace",
    "times ours",
    "points ready",
    "times ours",
    "relative error",
)
COLUMNS = (
    "*New trace*: what each scan costs when its motion is new; median (least–most) of runs in "
    "turns. *Points ready*: the same where all that depends on the points was done before; ours "
    "has no such mode and stands there with its whole time. *Times ours*: above 1, ours is faster. "
    "*Relative error*: root mean square difference of complex images from double precision, where "
    "a side makes images of this model."
)


@dataclass(frozen=True)
class Outcome:
    """What one side took, and how well it did."""

    name: str
    new_trace: Times
    ready: Times | None
    memory_mb: float
    error: float | None

    def row(self, ours: Times) -> tuple[str, ...]:
        """Cells under `HEAD`."""
        ready = self.ready or self.new_trace
        return (
            self.name,
            str(self.new_trace),
            f"{self.new_trace.median / ours.median:.2f}",
            str(self.ready) if self.ready else "the same",
            f"{ready.median / ours.median:.2f}",
            "–" if self.error is None else f"{self.error:.1e}",
        )


def contest(scan: Scan, peers: Sequence[Peer], n_rounds: int) -> tuple[list[Outcome], str]:
    """Outcome of each side, ours first, and a sentence on the truth they are held to."""
    spectra = exact_spectra(scan)
    off = plain_sum_error(spectra, scan)
    exact = images_of(spectra, scan)
    del spectra
    errors, memory = {}, {}
    for peer in peers:
        result, memory[peer.name] = with_peak_memory(peer.new_trace)
        images = peer.to_images(result) if peer.to_images else None
        errors[peer.name] = None if images is None else relative_error(images, exact)
        del result, images
    calls = {peer.name: peer.new_trace for peer in peers}
    calls |= {peer.name + _READY: peer.ready for peer in peers if peer.ready}
    slow = {peer.name: peer.rounds for peer in peers if peer.rounds}
    limits = slow | {name + _READY: rounds for name, rounds in slow.items()}
    times = take_turns(calls, n_rounds, limits)
    outcomes = [
        Outcome(
            peer.name,
            times[peer.name],
            times.get(peer.name + _READY),
            memory[peer.name],
            errors[peer.name],
        )
        for peer in peers
    ]
    truth = (
        "The truth is finufft in double precision at a tolerance of 1e-12; at 12 random points it "
        f"differs from a plain sum over all voxels by {off:.0e}."
    )
    return outcomes, truth


def as_table(outcomes: Sequence[Outcome], *, memory: bool = False) -> str:
    """Table of all sides; the first one is ours. Memory of small things is noise."""
    rows = [outcome.row(outcomes[0].new_trace) for outcome in outcomes]
    if not memory:
        return page.table(HEAD, rows)
    held = [f"{outcome.memory_mb:.0f} MB" for outcome in outcomes]
    return page.table((*HEAD, "memory"), [(*row, mb) for row, mb in zip(rows, held, strict=True)])


def ratio(outcomes: Sequence[Outcome], name: str) -> float:
    """How many times as long as ours a side takes for a new trace; names by their beginning."""
    side = next(outcome for outcome in outcomes if outcome.name.startswith(name))
    return side.new_trace.median / outcomes[0].new_trace.median
