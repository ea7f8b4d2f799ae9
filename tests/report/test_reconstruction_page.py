"""The page of a reconstruction: self-contained, with figures and the data-consistency check."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.report.reconstruction_figures import motion_figure, residual_figure
from mcnet.report.reconstruction_page import write_reconstruction_page
from mcnet.report.reconstruction_words import facts

ESTIMATED = {
    "motion_model": "six-dof",
    "method": "conjugate gradients",
    "solver": {"ridge": 0.02},
    "n_iterations": [12, 15],
    "gradient": 2.9e-4,
    "coil_terms": 24,
    "coil_terms_error": 0.0123,
    "motion": "estimated",
    "n_coils": 8,
    "initial_image": "the scan as it is",
    "searched_shape": [1, 40, 30, 26],
    "share_of_central_lines_rejected": 0.042,
}


@pytest.fixture(scope="module")
def result():
    return reconstruct(moving_head.raw_scan(8.0), motion=moving_head.motion(8.0))


@pytest.mark.slow
def test_the_page_holds_all_it_shows_and_asks_no_network(result, tmp_path):
    page = tmp_path / "page.html"
    write_reconstruction_page(page, result, inputs={})
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 3
    assert "http" not in text.replace("http-equiv", "")
    assert result.data_consistency in text
    assert text.count("not a medical device") == 1
    assert "Reconstructed with the given motion" in text
    # what holds of estimated motion alone
    assert "A translation along the phase-encoding axis is determined only" not in text
    assert "Noise is subtracted" not in text
    assert 100 * result.notes["relative_residual"] > 0
    assert "the relative residual of the k-space is" in result.data_consistency


def test_the_headline_tells_that_estimated_motion_is_rejected(result, tmp_path):
    rejected = replace(
        result, motion_known=False, accepted=False, data_consistency="No.", notes=ESTIMATED
    )
    write_reconstruction_page(tmp_path / "page.html", rejected, inputs={})
    text = (tmp_path / "page.html").read_text()
    assert "Estimated motion rejected: the scan as it is" in text
    assert 'class="warning"' in text
    assert "A translation along the phase-encoding axis is determined only" in text
    assert "Noise is subtracted" in text
    assert "Lines with a residual above 25 % are rejected" in text


def test_the_chart_of_residuals_fills_its_frame(result):
    for scale in (0.02, 1.0):
        residual = scale * np.linspace(0.2, 0.9, 96)
        (axis,) = residual_figure(replace(result, line_residual=residual)).axes
        low, high = axis.get_ylim()
        assert low == 0
        assert 0.8 < 100 * residual.max() / high < 1
        assert axis.patches[1].get_height() == pytest.approx(100 * residual[1])
        # the line without a conjugate line is not shown
        assert axis.patches[0].get_height() == 0


def test_where_there_is_no_residual_the_page_says_so(result, tmp_path):
    explained = replace(result, line_residual=np.zeros(96))
    write_reconstruction_page(tmp_path / "page.html", explained, inputs={})
    text = (tmp_path / "page.html").read_text()
    assert text.count("data:image/png;base64,") == 2
    assert "Image and motion explain every line of the k-space" in text


def test_the_facts_of_a_reconstruction_are_plain_words(result):
    told = dict(facts(result))
    assert told["Scan"] == "slices, motion within their plane"
    assert told["Motion"] == "given"
    assert "with a still head" in told["Relative residual of the k-space"]
    told |= dict(facts(replace(result, motion_known=False, notes=ESTIMATED)))
    assert told["Method"].endswith("(least squares by conjugate gradients), 12 to 15 iterations")
    assert told["Norm of the last gradient"] == "0.029 % of the first"
    assert told["Low-rank expansion of the coil maps"] == "24 terms, relative error 1.2 % at most"
    assert told["Motion"] == (
        "estimated from a volume of 40 × 30 × 26, starting from the scan as it is"
    )
    assert told["Rejected lines"] == "4.2 % of the central half"
    for name, value in told.items():
        assert not set("{}[]_'") & set(name + value), name


def test_motion_is_drawn_as_it_is_and_rejected_lines_are_marked(result):
    translations, rotations = motion_figure(result).axes
    assert [line.get_label() for line in translations.lines] == ["y", "z"]
    np.testing.assert_array_equal(rotations.lines[0].get_ydata(), result.motion.rotation_deg[:, 0])
    weight = np.ones(96)
    weight[[10, 60]] = 0.1
    (axis,) = residual_figure(replace(result, line_weight=weight)).axes
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [10 - 48, 60 - 48])
