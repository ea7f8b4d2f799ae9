"""The figure of real against generated motion: its files, its table, its numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from mcnet.errors import McnetError
from mcnet.report.motion_figure import QUANTITIES, write_motion_figure
from mcnet.simulation.generators import generate_motion
from mcnet.simulation.motion import MotionTrace
from mcnet.simulation.motion_statistics import trace_statistics


def some_traces(n_traces: int, n_points: int, factor: float = 1.0) -> list[MotionTrace]:
    rng = np.random.default_rng(n_traces)
    return [generate_motion(n_points, rng, interval_s=1.5).scaled(factor) for _ in range(n_traces)]


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
    assert table["kind"].value_counts().to_dict() == {"real": 7, "generated": 7}
    assert table["magnitude"][0] == pytest.approx(traces[0].magnitude)
    largest = trace_statistics(traces[6]).displacement_max_mm
    assert table["displacement_max_mm"][6] == pytest.approx(largest)
    picture = imread(tmp_path / "motion.png")
    assert min(picture.shape[:2]) > 1000
    assert picture[..., :3].std() > 0.05
    assert (tmp_path / "motion.svg").read_text().startswith("<?xml")


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    traces = some_traces(6, 33)
    for name in ("one", "two"):
        write_motion_figure(tmp_path / name, traces, seed=4)
    for file in ("motion.csv", "motion.png", "motion.svg"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_motion_of_a_hundredfold_size_is_told_apart(tmp_path: Path) -> None:
    summary = write_motion_figure(tmp_path, some_traces(8, 130, factor=100.0), seed=1)
    assert summary["n_points"] == 128
    for name in QUANTITIES:
        assert summary["quantities"][name]["ks"] == 1.0
        ratio = summary["quantities"][name]["generated_median"]
        assert ratio < summary["quantities"][name]["real_median"] / 20
    assert max(summary["spectrum"]["generated_over_real"]) < 0.01
    assert summary["within_2_mm_2_deg"]["real"] < summary["within_2_mm_2_deg"]["generated"]


def test_too_few_or_too_short_traces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(McnetError, match="4 motion traces are too few"):
        write_motion_figure(tmp_path, some_traces(4, 40), seed=1)
    with pytest.raises(McnetError, match="15 points or fewer"):
        write_motion_figure(tmp_path, some_traces(5, 15), seed=1)
    assert not list(tmp_path.iterdir())
