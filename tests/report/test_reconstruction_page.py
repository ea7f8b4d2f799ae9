"""The page of a reconstruction holds its pictures and says what was found."""

from dataclasses import replace

import moving_head
import numpy as np
import pytest

from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.report.reconstruction_figures import motion_figure, residual_figure
from mcnet.report.reconstruction_page import write_reconstruction_page


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


def test_doubt_is_the_headline_of_motion_that_was_not_found(result, tmp_path):
    doubted = replace(result, motion_known=False, trusted=False, verdict="No.")
    write_reconstruction_page(tmp_path / "page.html", doubted, inputs={})
    text = (tmp_path / "page.html").read_text()
    assert "No motion found" in text
    assert 'class="warning"' in text


def test_motion_is_drawn_as_it_is_and_lines_that_count_less_are_marked(result):
    shifts, turns = motion_figure(result).axes
    assert [line.get_label() for line in shifts.lines] == ["y", "z"]
    np.testing.assert_array_equal(turns.lines[0].get_ydata(), result.motion.rotation_deg[:, 0])
    weight = np.ones(96)
    weight[[10, 60]] = 0.1
    (axis,) = residual_figure(replace(result, line_weight=weight)).axes
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [10 - 48, 60 - 48])
