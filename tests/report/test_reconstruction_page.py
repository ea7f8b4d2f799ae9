"""The page of a reconstruction holds its pictures and says what was found."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.report.reconstruction_figures import motion_figure, residual_figure
from mcnet.report.reconstruction_page import write_reconstruction_page
from mcnet.report.reconstruction_words import facts

FOUND = {
    "route": "six-dof",
    "method": "conjugate gradients",
    "solver": {"ridge": 0.02},
    "n_iterations": [12, 15],
    "gradient": 2.9e-4,
    "coil_terms": 24,
    "coil_terms_error": 0.0123,
    "motion": "found",
    "n_coils": 8,
    "model": None,
    "searched_shape": [1, 40, 30, 26],
    "share_of_central_lines_rejected": 0.042,
}


@pytest.fixture(scope="module")
def result():
    return reconstruct(moving_head.raw_scan(8.0), motion=moving_head.motion(8.0))


def test_the_page_holds_all_it_shows_and_asks_no_network(result, tmp_path):
    page = tmp_path / "page.html"
    write_reconstruction_page(page, result, inputs={})
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 3
    assert "http" not in text.replace("http-equiv", "")
    assert result.verdict in text
    assert text.count("not a medical device") == 1
    assert "Reconstructed with the motion that was given" in text
    # what is so of motion that was found alone
    assert "A shift along the lines’ axis is known but for" not in text
    assert "Noise is taken off" not in text
    assert "a head that moves so leaves" in result.verdict


def test_doubt_is_the_headline_of_motion_that_was_not_found(result, tmp_path):
    rejected = replace(result, motion_known=False, accepted=False, verdict="No.", notes=FOUND)
    write_reconstruction_page(tmp_path / "page.html", rejected, inputs={})
    text = (tmp_path / "page.html").read_text()
    assert "No motion found" in text
    assert 'class="warning"' in text
    assert "A shift along the lines’ axis is known but for" in text
    assert "Noise is taken off" in text


def test_the_chart_of_what_stays_unexplained_fills_its_frame(result):
    for scale in (0.02, 1.0):
        residual = scale * np.linspace(0.2, 0.9, 96)
        (axis,) = residual_figure(replace(result, line_residual=residual)).axes
        low, high = axis.get_ylim()
        assert low == 0
        assert 0.8 < 100 * residual.max() / high < 1
        assert axis.patches[1].get_height() == pytest.approx(100 * residual[1])
        # the line without a mirror in a real image is not shown
        assert axis.patches[0].get_height() == 0


def test_where_nothing_stays_unexplained_the_page_says_so(result, tmp_path):
    explained = replace(result, line_residual=np.zeros(96))
    write_reconstruction_page(tmp_path / "page.html", explained, inputs={})
    text = (tmp_path / "page.html").read_text()
    assert text.count("data:image/png;base64,") == 2
    assert "Image and motion explain every line of the k-space" in text


def test_what_was_done_is_told_in_words(result):
    told = dict(facts(result))
    assert told["Scan"] == "slices, the head moving within their plane"
    assert told["Motion"] == "given"
    assert "by a head that keeps still" in told["K-space that stays unexplained"]
    told |= dict(facts(replace(result, motion_known=False, notes=FOUND)))
    assert told["Method"] == "least squares by conjugate gradients, 12 to 15 steps"
    assert told["Gradient at the end"] == "0.029 % of its first length"
    assert told["Coil maps while the head moves"] == "a sum of 24 terms, off by 1.2 % at most"
    assert told["Motion"].startswith("looked for in a volume of 40 × 30 × 26, starting from the")
    assert told["Lines doubted"] == "4.2 % of the central half"
    for name, value in told.items():
        assert not set("{}[]_'") & set(name + value), name


def test_motion_is_drawn_as_it_is_and_lines_that_count_less_are_marked(result):
    shifts, turns = motion_figure(result).axes
    assert [line.get_label() for line in shifts.lines] == ["y", "z"]
    np.testing.assert_array_equal(turns.lines[0].get_ydata(), result.motion.rotation_deg[:, 0])
    weight = np.ones(96)
    weight[[10, 60]] = 0.1
    (axis,) = residual_figure(replace(result, line_weight=weight)).axes
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [10 - 48, 60 - 48])
