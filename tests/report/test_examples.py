"""What a figure draws is what it was given: orientation, order, captions, curves."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mcnet.evaluation.statistics import summary
from mcnet.metrics.registry import COLUMN_NAMES
from mcnet.motion.trace import MotionTrace
from mcnet.report.examples import draw_motion, example_figure, scored_example, show_slice
from mcnet.report.figures import severity_figure, table_figure
from mcnet.report.style import save_figure


def test_a_slice_is_shown_anterior_right_and_superior_up():
    image = np.zeros((13, 17), np.float32)
    image[-1, 0] = 1  # anterior, inferior
    axes = Figure().add_subplot()
    show_slice(axes, image, 1.0)
    (shown,) = axes.images
    pixels = np.asarray(shown.get_array())
    assert pixels.shape == (17, 13)
    assert pixels[0, -1] == 1
    assert axes.get_ylim()[0] < axes.get_ylim()[1]  # row 0 at the bottom
    assert axes.get_xlim()[0] < axes.get_xlim()[1]


def test_only_degrees_of_freedom_that_move_are_drawn():
    trace = MotionTrace(np.ones((9, 3)), np.ones((9, 3)))
    labels = {"rotation": "rotation (deg)", "rotation+translation": "pose (mm, deg)"}
    for mode, n_curves in (("rotation", 1), ("rotation+translation", 3), ("six-dof", 6)):
        axes = Figure().add_subplot()
        draw_motion(axes, trace.restricted_to(mode))
        assert len(axes.lines) == n_curves + 1  # and the line of rest
        assert axes.get_ylabel() == labels.get(mode, "pose (mm, deg)")


def test_residuals_and_captions_stand_under_their_own_image(rng):
    reference = rng.random((15, 18)).astype(np.float32)
    images = {name: reference + np.float32(k / 10) for k, name in enumerate(("corrupted", "b"), 1)}
    motion = MotionTrace(np.zeros((15, 3)), np.ones((15, 3))).restricted_to("rotation")
    example = scored_example(
        mode="rotation", title="t", reference=reference, images=images,
        head=np.ones(reference.shape, bool), motion=motion,
    )  # fmt: skip
    figure = example_figure([example, example])
    for part in figure.subfigs:
        upper, lower = part.axes[:3], part.axes[3:6]
        assert [axes.get_title() for axes in upper] == ["reference", "corrupted", "b"]
        for column, (label, image) in enumerate(images.items(), start=1):
            whole, inside = example.scores[label]
            assert upper[column].texts[0].get_text() == f"{whole:.3f} | {inside:.3f}"
            residual = np.asarray(lower[column].images[0].get_array())
            np.testing.assert_allclose(residual, (image - reference).T)
        assert len({axes.images[0].get_clim() for axes in lower[1:]}) == 1
        low, high = lower[1].images[0].get_clim()
        assert low == -high


def rows_of(modes: tuple[str, ...]) -> pd.DataFrame:
    labels = {"subject": "p", "trace": "t", "position_mm": 0.0}
    return pd.DataFrame(
        [
            labels
            | {"mode": mode, "model": model, "magnitude": 1.0 + k}
            | dict.fromkeys(COLUMN_NAMES, 0.5)
            for mode in modes
            for model in ("corrupted", "l1")
            for k in range(7)
        ]
    )


def test_figure_5_has_a_panel_a_mode_and_one_for_both():
    one = severity_figure(rows_of(("rotation",)), metric="ssim")
    assert [axes.get_title() for axes in one.axes] == ["rotation"]
    both = severity_figure(rows_of(("rotation", "rotation+translation")), metric="ssim_head")
    titles = [axes.get_title() for axes in both.axes]
    assert titles == ["rotation", "rotation+translation", "l1: modes compared"]
    assert "(deg)" in both.axes[0].get_xlabel()
    assert "(mm, deg)" in both.axes[1].get_xlabel()


def test_figure_4_prints_mean_and_deviation_of_every_model():
    texts = [
        text.get_text() for text in table_figure(summary(rows_of(("rotation",)))).axes[0].texts
    ]
    assert texts.count("0.500 ± 0.000") == 8
    assert {"corrupted", "l1", "in head, registered"} <= set(texts)


def test_drawing_leaves_matplotlib_as_it_was():
    before = dict(mpl.rcParams)
    severity_figure(rows_of(("rotation",)), metric="ssim")
    assert dict(mpl.rcParams) == before


def test_names_are_drawn_as_they_are_and_not_as_formulas(rng, tmp_path):
    reference = rng.random((15, 18)).astype(np.float32)
    example = scored_example(
        mode="rotation", title="sub-$\\nothing$, caf\udce9.par", reference=reference,
        images={"corrupted": reference}, head=np.ones(reference.shape, bool),
        motion=MotionTrace(np.zeros((15, 3)), np.ones((15, 3))),
    )  # fmt: skip
    save_figure(example_figure([example]), tmp_path, "figure")
    drawn = (tmp_path / "figure.svg").read_bytes().decode("utf-8")
    assert drawn.rstrip().endswith("</svg>")
