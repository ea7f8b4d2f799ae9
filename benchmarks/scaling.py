"""How time grows with the size of volumes, and shrinks with threads and with workers."""

from dataclasses import dataclass
from pathlib import Path

import page
import peers
import workers
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from scans import Scan, slices_scan, volume_scan
from timing import Times, take_turns

from mcnet.core.engine import Engine
from mcnet.report.style import BLUE, GREY, save_figure, style

SIZES = (64, 96, 128, 192, 256)
"""Voxels along each axis of a source of 256 mm; half as many are sampled."""
FIGURE = "performance-scaling"
_ROUNDS = {"slices": 9, "volume": 4}


@dataclass(frozen=True)
class Growth:
    """Times of one route at one size."""

    n_source: int
    n_voxels: int
    ours: Times
    bare: Times


def run(folder: Path) -> page.Section:
    """Tables of all three, and the figure of the first in a folder."""
    slices = [_at_size("slices", slices_scan(n, n // 2)) for n in SIZES]
    volume = [_at_size("volume", volume_scan((n, n, n), 256 / n, n // 2)) for n in SIZES]
    _draw(folder, slices, volume)
    return page.Section(
        "Scaling",
        [
            "### Size",
            "A source of n voxels along each axis, half as many sampled, against finufft's bare "
            "call with our settings (no phase, no image).",
            "Ten slices, motion in plane:",
            _growth_table(slices),
            "A volume, six degrees of freedom:",
            _growth_table(volume),
            f"![Time against the size of the source]({FIGURE}.png)",
            "### Threads of one transform",
            _threads_table(),
            *workers.run(workers.powers_of_two()),
        ],
    )


def _at_size(route: str, scan: Scan) -> Growth:
    calls = {
        "ours": peers.ours(scan).new_trace,
        "bare": peers.bare_finufft(scan).new_trace,
    }
    times = take_turns(calls, _ROUNDS[route])
    return Growth(scan.images.shape[-1], scan.images.size, times["ours"], times["bare"])


def _growth_table(growths: list[Growth]) -> str:
    head = ("source", "ours", "bare finufft", "ours / bare", "ours, a source voxel")
    return page.table(
        head,
        [
            (
                f"n = {one.n_source}",
                str(one.ours),
                str(one.bare),
                f"{one.ours.median / one.bare.median:.2f}",
                f"{one.ours.median / one.n_voxels * 1e9:.0f} ns",
            )
            for one in growths
        ],
    )


def _threads_table() -> str:
    """Times of both routes at full size with 1, 2, 4, ... threads."""
    counts = workers.powers_of_two()
    rows = []
    scans = {"slices": slices_scan(), "volume": volume_scan((160, 256, 256), 1.0)}
    for route, scan in scans.items():
        calls = {str(n): peers.ours(scan, Engine(n_threads=n)).new_trace for n in counts}
        times = take_turns(calls, _ROUNDS[route])
        one = times["1"].median
        rows += [
            (
                f"{route}, {n} thread{'s' if n > 1 else ''}",
                str(times[str(n)]),
                f"{one / times[str(n)].median:.2f}",
                f"{one / times[str(n)].median / n:.0%}",
            )
            for n in counts
        ]
    return page.table(("", "time", "speed-up", "efficiency"), rows)


def _draw(folder: Path, slices: list[Growth], volume: list[Growth]) -> None:
    """Write the figure of time against size."""
    with style():
        figure = Figure(figsize=(7, 3), layout="constrained")
        routes = {"ten slices, in plane": slices, "volume, six degrees of freedom": volume}
        for axes, (title, growths) in zip(figure.subplots(1, 2), routes.items(), strict=True):
            sizes = [one.n_source for one in growths]
            axes.loglog(sizes, [one.ours.median for one in growths], "o-", color=BLUE)
            axes.loglog(sizes, [one.bare.median for one in growths], "s--", color=GREY)
            axes.set(title=title, xlabel="voxels along each axis of the source", ylabel="time (s)")
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xticks(sizes, [str(n) for n in sizes])
            axes.legend(["mcnet", "finufft alone"])
    save_figure(figure, folder, FIGURE)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        page.show(run(Path(name)))
