"""The figure of real against generated motion: its files, its table, its numbers."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from mcnet.core.errors import McnetError
from mcnet.evaluation.motion_comparison import QUANTITIES
from mcnet.motion.generators import generate_motion
from mcnet.motion.statistics import trace_statistics
from mcnet.motion.trace import MotionTrace
from mcnet.report.motion_figure import motion_figure, write_motion_figure


def some_traces(n_traces: int, n_points: int, factor: float = 1.0) -> list[MotionTrace]:
    rng = np.random.default_rng(n_traces)
    return [generate_motion(n_points, rng, interval_s=1.5).scaled(factor) for _ in range(n_traces)]


@pytest.mark.slow
def test_files_hold_what_is_returned_and_every_trace(tmp_path: Path) -> None:
    traces = [*some_traces(7, 40), *some_traces(2, 17)]
    summary = write_motion_figure(tmp_path, traces, seed=3)
    assert (summary["n_traces"], summary["n_left_out"], summary["n_points"]) == (7, 2, 40)
    assert summary["interval_s"] == 1.5
    stored = json.loads((tmp_path / "motion.json").read_text())
    assert stored.pop("provenance")["seed"] == 3
    assert set(stored.pop("files_sha256")) == {"motion.csv", "motion.png", "motion.svg"}
    assert stored == summary
    table = pd.read_csv(tmp_path / "motion.csv")
    assert table["kind"].value_counts().to_dict() == {"real": 7, "generated": 20}
    assert summary["n_generated"] == 20
    assert table["magnitude"][0] == pytest.approx(traces[0].magnitude)
    largest = trace_statistics(traces[6]).displacement_max_mm
    assert table["displacement_max_mm"][6] == pytest.approx(largest)
    picture = imread(tmp_path / "motion.png")
    assert min(picture.shape[:2]) > 1000
    assert picture[..., :3].std() > 0.05
    assert (tmp_path / "motion.svg").read_text().startswith("<?xml")


@pytest.mark.slow
def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    traces = some_traces(6, 33)
    for name in ("one", "two"):
        write_motion_figure(tmp_path / name, traces, seed=4)
    for file in ("motion.csv", "motion.png", "motion.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.slow
def test_motion_of_a_hundredfold_size_is_told_apart(tmp_path: Path) -> None:
    summary = write_motion_figure(tmp_path, some_traces(8, 130, factor=100.0), seed=1)
    assert summary["n_points"] == 128
    for name in QUANTITIES:
        assert summary["quantities"][name]["ks"] == 1.0
        ratio = summary["quantities"][name]["generated_median"]
        assert ratio < summary["quantities"][name]["real_median"] / 20
    assert max(summary["spectrum"]["generated_over_real"]) < 0.01
    assert summary["within_2_mm_2_deg"]["real"] < summary["within_2_mm_2_deg"]["generated"]


@pytest.mark.slow
@pytest.mark.parametrize("n_traces", [1, 2])
def test_one_or_two_traces_are_shown_against_twenty(tmp_path: Path, n_traces: int) -> None:
    summary = write_motion_figure(tmp_path, some_traces(n_traces, 40), seed=1)
    assert (summary["n_traces"], summary["n_generated"]) == (n_traces, 20)
    # one value among 21 of one kind: in a share of 2 / 21 of all cases it is the first or the last
    assert all(told["p"] > 0.001 for told in summary["quantities"].values())


@pytest.mark.parametrize(("n_traces", "n_columns"), [(1, 1), (2, 2), (3, 3), (7, 3)])
def test_no_trace_is_shown_twice_under_different_words(n_traces: int, n_columns: int) -> None:
    traces = [one.scaled(1 + k / 4) for k, one in enumerate(some_traces(n_traces, 40))]
    both = {"real": traces, "generated": some_traces(20, 40)}
    groups = {kind: [trace_statistics(trace) for trace in each] for kind, each in both.items()}
    ks = {name: {"ks": 0.5} for name in QUANTITIES}
    figure = motion_figure(both, groups, {"quantities": ks, "interval_s": 2.0})
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    real = [title for title in titles if title.startswith("real")]
    assert len({title.split("(")[1] for title in real}) == len(real) == n_columns
    assert ("real (" in real[0]) == (n_traces == 1)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("n_traces", [1, 5, 40])
def test_labels_do_not_overlap(n_traces: int, factor: float) -> None:
    """Of each axis, and of titles, as they are drawn: those of logarithmic axes were."""
    traces = some_traces(n_traces, 40, factor)
    both = {"real": traces, "generated": some_traces(20, 40)}
    groups = {kind: [trace_statistics(trace) for trace in each] for kind, each in both.items()}
    ks = {name: {"ks": 0.5} for name in QUANTITIES}
    figure = motion_figure(both, groups, {"quantities": ks, "interval_s": 2.0})
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for axes in figure.axes:
        for axis, side in ((axes.xaxis, "x"), (axes.yaxis, "y")):
            boxes = [
                label.get_window_extent()
                for label in axis.get_ticklabels(which="both")
                if label.get_text() and label.get_visible()
            ]
            low, high = sorted(getattr(axes.bbox, f"interval{side}"))
            shown = sorted(
                (getattr(box, f"{side}0"), getattr(box, f"{side}1"))
                for box in boxes
                if low - 2 <= sum(getattr(box, f"interval{side}")) / 2 <= high + 2
            )
            assert len(shown) >= 2
            for (_, end), (start, _) in pairwise(shown):
                assert end < start, axes.get_title(loc="left")


def test_no_or_too_short_traces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="no motion trace is given"):
        write_motion_figure(tmp_path, [], seed=1)
    with pytest.raises(McnetError, match="15 points or fewer"):
        write_motion_figure(tmp_path, some_traces(5, 15), seed=1)
    assert not list(tmp_path.iterdir())
