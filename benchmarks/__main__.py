"""All benchmarks in one run, and the page of them: ``make bench``.

Without an argument the page goes to ``docs/results``; give another folder to keep that as it is.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import busy
import in_plane
import inference
import kspace
import on_the_fly
import page
import scaling
import six_dof

RESULTS = Path(__file__).parents[1] / "docs" / "results"
_INTRODUCTION = """\
# Performance

Made by `make bench`, which rewrites this page. What mcnet's simulator and correction take beside
what a user would pick instead, in one run on one machine: the sides take turns, every side uses
all cores, and times are medians with the least and the most of the runs. All ratios are to mcnet's
median.
"""


def main(folder: Path) -> None:
    """Run everything, print each part as it comes, and write the page."""
    benchmarks: tuple[Callable[[], page.Section], ...] = (
        in_plane.run,
        six_dof.run,
        on_the_fly.section,
        inference.section,
        kspace.run,
        busy.run,
        lambda: scaling.run(folder),
    )
    folder.mkdir(parents=True, exist_ok=True)
    load = _settled_load()
    sections = []
    for benchmark in benchmarks:
        sections.append(benchmark())
        page.show(sections[-1])
    parts = [_INTRODUCTION, page.machine(load) + "\n", *(one.markdown for one in sections)]
    (folder / "performance.md").write_text("\n".join(parts))


def _settled_load(most_s: int = 120) -> float:
    """The machine's load, once what ran just before has faded from it."""
    for _ in range(most_s):
        if os.getloadavg()[0] < page.busy_load():
            break
        time.sleep(1)
    return os.getloadavg()[0]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS)
