"""The report shows the numbers that the rows hold, draws the same bytes twice, loads nothing."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mcnet.core.errors import McnetError
from mcnet.evaluation.statistics import summary
from mcnet.metrics.registry import COLUMN_NAMES
from mcnet.metrics.similarity import SSIM_DEFINITION
from mcnet.motion.trace import MotionTrace
from mcnet.report.conclusions import conclusions
from mcnet.report.examples import Example, residual_limit, scored_example
from mcnet.report.figures import binned_by_magnitude, curve_names, proposed_model
from mcnet.report.page import write_report

MODELS = ("corrupted", "registered", "smoothed", "l1", "l1+tv-ft")
PROVENANCE = {"version": "9.9", "seed": 3, "command": "mcnet reproduce x.toml"}


def make_rows(gains: dict[str, float], modes=("rotation", "rotation+translation")) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    records = []
    for mode in modes:
        for k in range(24):
            labels = {"subject": f"p{k % 3}", "trace": f"t{k % 4}", "position_mm": 5.0 * (k // 12)}
            labels |= {"mode": mode, "magnitude": float(1 + k % 12)}
            base = rng.uniform(0.5, 0.7, len(COLUMN_NAMES))
            for model in MODELS:
                scores = dict(zip(COLUMN_NAMES, base + gains.get(model, 0.0), strict=True))
                records.append(labels | {"model": model} | scores)
    return pd.DataFrame(records)


def make_example(rng: np.random.Generator, mode: str) -> Example:
    reference = rng.random((19, 23)).astype(np.float32)
    images = {
        label: reference + rng.normal(0, 0.1, reference.shape).astype(np.float32)
        for label in ("corrupted", "l1", "l1+tv-ft")
    }
    motion = MotionTrace(rng.normal(size=(19, 3)), rng.normal(size=(19, 3))).restricted_to(mode)
    head = np.ones(reference.shape, dtype=bool)
    return scored_example(
        mode=mode, title=f"a <slice> & {mode}", reference=reference, images=images, head=head,
        motion=motion,
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    return write(tmp_path_factory.mktemp("report"))


def write(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    epochs = pd.DataFrame({"epoch": [0, 0, 1, 1], "step": [1, 2, 3, 4]})
    log = epochs.assign(train_loss=[3.0, np.nan, 2.0, np.nan], val_loss=[np.nan, 4, np.nan, 3])
    write_report(
        folder,
        title="Heads & <motion>",
        rows=make_rows({"registered": 0.05, "l1": 0.1, "l1+tv-ft": 0.12}),
        examples=[make_example(rng, mode) for mode in ("rotation", "rotation", "six-dof")],
        settings={"factor": 8, "matrix": [128, 128, 128]},
        provenance=PROVENANCE,
        curves={"l1": log},
    )
    return folder


@pytest.mark.slow
def test_every_file_is_written_and_only_figures_of_modes_with_examples(report):
    figures = ("figure-2", "example-six-dof", "figure-4", "figure-5", "figure-5-head-registered")
    expected = {f"{name}.{kind}" for name in (*figures, "training") for kind in ("png", "svg")}
    expected |= {"table.csv", "table.md", "comparisons.csv", "severity.csv", "report.html"}
    assert {path.name for path in report.iterdir()} == expected


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(report, tmp_path):
    again = write(tmp_path)
    for path in sorted(report.iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_the_page_holds_every_image_and_loads_nothing(report):
    page = (report / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert len(sources) == 6
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert "@import" not in page
    assert "url(" not in page
    assert "<script" not in page


def test_the_page_says_what_it_must_and_escapes_what_it_is_given(report):
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "<h1>Heads &amp; &lt;motion&gt;</h1>" in page
    assert SSIM_DEFINITION.replace("'", "&#39;") in page
    assert page.count("not a medical device") == 1
    assert "mcnet reproduce x.toml" in page
    assert "[128, 128, 128]" in page
    assert "3 subjects: a Wilcoxon test over subjects cannot fall below p = 0.25" in page


def test_the_tables_hold_pandas_own_means(report):
    rows = make_rows({"registered": 0.05, "l1": 0.1, "l1+tv-ft": 0.12})
    written = pd.read_csv(report / "table.csv").set_index(["mode", "model"])
    markdown = (report / "table.md").read_text(encoding="utf-8")
    page = (report / "report.html").read_text(encoding="utf-8")
    for key, group in rows.groupby(["mode", "model"]):
        for metric in COLUMN_NAMES:
            assert written.loc[key, f"{metric}_mean"] == pytest.approx(group[metric].mean())
        cell = f"{group['ssim_head'].mean():.3f} ± {group['ssim_head'].std():.3f}"
        assert re.search(rf"^\| {re.escape(key[1])} \| .*{re.escape(cell)}", markdown, re.M)
        assert f"<td>{cell}</td>" in page
    compared = pd.read_csv(report / "comparisons.csv")
    assert set(compared["metric"]) == {"ssim", "ssim_head_registered"}


@pytest.mark.slow
def test_one_mode_alone_makes_a_report(tmp_path, rng):
    rows = make_rows({"l1": 0.1}, modes=("rotation+translation",))
    examples = [make_example(rng, "rotation+translation")]
    write_report(
        tmp_path, title="one", rows=rows, examples=examples, settings={}, provenance={}, curves=None
    )
    assert (tmp_path / "figure-3.svg").exists()
    assert not (tmp_path / "figure-2.svg").exists()
    assert not (tmp_path / "training.png").exists()


def test_the_conclusions_say_what_was_gained():
    table = summary(make_rows({"registered": 0.05, "l1": 0.1, "l1+tv-ft": 0.12}, ("rotation",)))
    means = table.set_index("model")["ssim_mean"]
    (sentence,) = conclusions(table, "l1+tv-ft")
    assert (
        f"l1+tv-ft raises whole-image SSIM from {means['corrupted']:.3f} to "
        f"{means['l1+tv-ft']:.3f}; registration alone reaches {means['registered']:.3f}."
    ) in sentence
    assert "LOSES" not in sentence
    assert "Inside the head after registration: from" in sentence


@pytest.mark.parametrize(("n_subjects", "is_told"), [(1, True), (3, True), (5, True), (6, False)])
def test_the_conclusions_say_of_how_many_it_is_and_where_these_are_too_few(n_subjects, is_told):
    rows = make_rows({"l1": 0.1}, ("rotation",))
    of_one = rows[rows["subject"] == rows["subject"].iloc[0]]
    table = summary(pd.concat([of_one.assign(subject=f"p{k}") for k in range(n_subjects)]))
    (sentence,) = conclusions(table, "l1")
    n = len(of_one) // of_one["model"].nunique() * n_subjects
    subjects = "1 subject" if n_subjects == 1 else f"{n_subjects} subjects"
    assert sentence.startswith(f"Rotation, means of {n} slices of {subjects}: l1 raises")
    told = f"Of {subjects} no test can show that the same holds for others."
    assert sentence.endswith(told) == is_told


def test_the_conclusions_say_what_was_lost():
    table = summary(make_rows({"registered": 0.05, "l1+tv-ft": 0.02}, ("rotation",)))
    assert (
        "l1+tv-ft LOSES to registration alone on the whole image."
        in conclusions(table, "l1+tv-ft")[0]
    )
    table = summary(make_rows({"l1+tv-ft": -0.02}, ("rotation",)))
    (sentence,) = conclusions(table, "l1+tv-ft")
    assert "LOWERS whole-image SSIM" in sentence
    assert "there l1+tv-ft LOSES to registration alone" in sentence
    (sentence,) = conclusions(summary(make_rows({}, ("rotation",))), "l1+tv-ft")
    assert "leaves whole-image SSIM at" in sentence
    assert "gains nothing over registration alone" in sentence


def test_the_conclusions_name_the_control():
    rows = make_rows({"l1+tv-ft": 0.1}, ("rotation",))
    control = rows[rows["model"] == "l1"].assign(model="l1-long")
    for column in COLUMN_NAMES:
        control[column] += 0.13
    table = summary(pd.concat([rows, control]))
    assert "0.030 BELOW L1 alone for as many epochs" in conclusions(table, "l1+tv-ft")[0]


def test_the_model_shown_is_the_papers_or_the_last():
    rows = make_rows({})
    assert proposed_model(rows) == "l1+tv-ft"
    assert proposed_model(rows[rows["model"] != "l1+tv-ft"]) == "l1"
    assert proposed_model(rows[rows["model"].isin(["corrupted", "registered"])]) == "registered"


def test_bins_hold_slices_of_one_magnitude_together():
    rows = make_rows({}, ("rotation",))
    corrupted = rows[rows["model"] == "corrupted"]
    binned = binned_by_magnitude(corrupted, "ssim")
    assert binned["magnitude"].is_monotonic_increasing
    same = binned_by_magnitude(corrupted.assign(magnitude=2.0), "ssim")
    assert same["mean"].tolist() == pytest.approx([corrupted["ssim"].mean()])


def test_residuals_share_one_scale_of_the_largest(rng):
    example = make_example(rng, "rotation")
    largest = max(np.percentile(abs(i - example.reference), 99) for i in example.images.values())
    assert largest <= residual_limit(example) < largest + 0.05


def test_bookkeeping_is_no_training_curve():
    log = pd.DataFrame({"epoch": [0], "step": [1], "val_ssim": [0.5], "empty": [np.nan]})
    assert curve_names({"l1": log, "none": pd.DataFrame()}) == ["val_ssim"]


def test_examples_that_do_not_belong_together_are_refused(rng, tmp_path):
    good = make_example(rng, "rotation")
    with pytest.raises(McnetError, match="shape"):
        Example(
            "rotation", "x", good.reference, {"l1": good.reference[:-1]}, good.head, good.motion,
            {"l1": (1.0, 1.0)},
        )  # fmt: skip
    other = Example(
        "rotation", "x", good.reference, {"l1": good.reference}, good.head, good.motion,
        {"l1": (1.0, 1.0)},
    )  # fmt: skip
    with pytest.raises(McnetError, match="same images"):
        write_report(
            tmp_path, title="x", rows=make_rows({}), examples=[good, other], settings={},
            provenance={},
        )  # fmt: skip


def test_provenance_is_on_the_page_as_json(report):
    page = (report / "report.html").read_text(encoding="utf-8")
    text = re.search(r"<pre>(.*?)</pre>", page, re.S)
    assert text is not None
    assert json.loads(text[1].replace("&#34;", '"')) == PROVENANCE


def test_no_two_figures_have_one_title_and_what_is_always_zero_is_not_drawn(report):
    log = pd.DataFrame({"epoch": [0, 1], "l1": [2.0, 1.0], "ssim": [0.0, 0.0], "tv": [np.nan, 3]})
    assert curve_names({"a": log}) == ["l1", "tv"]
    page = (report / "report.html").read_text(encoding="utf-8")
    titles = re.findall(r"<figcaption><strong>([^:<]*)", page)
    assert {"Figure 5a", "Figure 5b"} <= set(titles)
    assert len(set(titles)) == len(titles)
