"""The page of a correction tells the numbers, shows every picture, escapes names, loads nothing."""

import base64
import html
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corrected_scans import MODEL, PROVENANCE, corrected_scan, left_scan, volume_of
from PIL import Image

from mcnet.core.errors import McnetError
from mcnet.correction.magnitude_motion import FoundMotion
from mcnet.correction.outcome import Assessment, CorrectedScan, Severity
from mcnet.io.volume import Volume
from mcnet.physics.in_plane import SliceGrid
from mcnet.report.correction_page import write_correction_page
from mcnet.report.correction_pictures import (
    DIFFERENCE_COLOURS,
    N_SLICES,
    plane_views,
    scales_of,
)
from mcnet.report.correction_words import (
    facts,
    grid_text,
    limits_of,
    number,
    outcome,
    plain,
    severity_scale,
    warnings_of,
)


def page_of(path: Path, result: CorrectedScan, source: str = "a.nii.gz") -> str:
    write_correction_page(path, result, source=source, output="b.nii.gz", provenance=PROVENANCE)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> str:
    return page_of(tmp_path_factory.mktemp("page") / "page.html", corrected_scan())


@pytest.mark.slow
def test_severity_before_and_after_stand_there_with_their_bounds(page):
    sentence = "Estimated motion falls from 2.50 mm (1.75 to 3.25) to 0.50 mm (0.25 to 1.00)."
    assert f"<p>{sentence} That is an estimate of the motion seen in the image, and no" in page
    assert "overlap" not in page


def test_the_model_is_named_with_hash_licence_and_data(page):
    for text in ("tiny-1mm", MODEL["sha256"], "CC-BY-4.0", "drawn heads, a phantom", "ssim: 0.9"):
        assert f"<dd>{text}</dd>" in page


def test_limits_and_provenance_are_told_and_the_device_sentence_once(page):
    assert page.count("not a medical device") == 1
    assert "may remove detail that was there" in page
    assert "mcnet correct a.nii.gz -o b.nii.gz" in html.unescape(page)


def test_every_picture_is_inside_and_nothing_is_loaded(page):
    loaded = re.findall(r"""(?:src|href|action|data)\s*=\s*["']?([^"'\s>]+)""", page)
    assert len(loaded) == 3 * 4 * N_SLICES
    assert all(source.startswith("data:image/png;base64,") for source in loaded)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", page.split("<body>")[0])
    assert "http" not in re.sub(r"data:[^\"]*", "", page).replace("http-equiv", "")
    assert "default-src 'none'" in page
    assert len(page) < 2_000_000


def test_the_middle_slice_is_shown_first(page):
    stacks = re.findall(r"(?:<img [^>]*>\s*)+", page)
    assert len(stacks) == 3 * 4
    for stack in stacks:
        shown = [" hidden>" not in image for image in re.findall(r"<img [^>]*>", stack)]
        assert shown == [k == N_SLICES // 2 for k in range(N_SLICES)]


def test_names_from_outside_are_escaped(tmp_path):
    evil = "<script>alert(1)</script>\"'&"
    result = corrected_scan(
        warnings=(evil,), model={"name": evil, "sha256": evil, "card": {evil: [evil]}}
    )
    path = tmp_path / "page.html"
    write_correction_page(
        path, result, source=f"x/{evil}", output=evil, provenance={"command": evil}
    )
    text = path.read_text(encoding="utf-8")
    assert text.count("<script>") == 1
    assert "alert(1)" in text
    assert "&lt;script&gt;" in text


def test_the_same_correction_gives_the_same_bytes(page, tmp_path):
    assert page_of(tmp_path / "again.html", corrected_scan()) == page


def test_without_uncertainty_none_is_shown(tmp_path):
    text = page_of(tmp_path / "page.html", corrected_scan(uncertainty=None))
    assert text.count("<img ") == 3 * 3 * N_SLICES
    assert "ncertainty" not in text.split("<body>")[1]


def test_a_scan_left_as_it_was_says_so_and_shows_no_difference(tmp_path):
    text = page_of(tmp_path / "page.html", left_scan())
    assert "<h1>Left as it was</h1>" in text
    assert "Estimated to be still: no more motion is seen" in text
    assert text.count("<img ") == 3 * N_SLICES
    body = text.split("<body>")[1]
    assert "after minus before" not in body
    assert 'class="stage swipe"' not in body
    assert "this scan" in body
    assert ("Changed", "nothing") in facts(
        left_scan(), scales_of(left_scan()), source="a", output="b"
    )


def test_warnings_stand_in_front_and_once(tmp_path):
    twice = Assessment(
        Severity(2.0, 1.0, 3.0), is_still=False, warnings=("Looks like T2w.", "Thick.")
    )
    result = corrected_scan(warnings=("Resampled.", "Thick."), assessment_before=twice)
    assert warnings_of(result) == ("Resampled.", "Thick.", "Looks like T2w.")
    text = page_of(tmp_path / "page.html", result)
    assert text.index("<li>Resampled.</li>") < text.index("<h1>")
    assert text.count("Thick.") == 1
    assert "<aside" not in page_of(tmp_path / "without.html", corrected_scan())


def test_why_a_scan_judged_still_was_corrected_is_told():
    still = Assessment(Severity(0.3, 0.1, 0.6), is_still=True)
    _, sentences = outcome(corrected_scan(assessment_before=still))
    assert "corrected all the same, because that was asked for" in sentences[0]
    poses = np.zeros((40, 3))
    motion = FoundMotion(SliceGrid((40, 52), (1.0, 1.0)), (poses,), 0.1, is_certain=True)
    _, sentences = outcome(corrected_scan(assessment_before=still, motion=motion))
    assert "because motion was found with certainty" in sentences[0]
    slight = replace(motion, is_certain=False)
    _, sentences = outcome(corrected_scan(assessment_before=still, motion=slight))
    assert "because that was asked for" in sentences[0]


def test_motion_that_rises_is_told_loudly():
    worse = Assessment(Severity(5.0, 4.0, 6.0), is_still=False)
    _, sentences = outcome(corrected_scan(assessment_after=worse))
    assert sentences == (
        "Estimated motion RISES from 2.50 mm (1.75 to 3.25) to 5.00 mm (4.00 to 6.00). That is an "
        "estimate of the motion seen in the image, and no measure of image quality.",
    )


def test_equal_estimates_are_no_fall_and_overlapping_bounds_no_gain():
    same = Assessment(Severity(2.501, 1.0, 3.0), is_still=False)
    _, sentences = outcome(corrected_scan(assessment_after=same))
    assert sentences[0].startswith("Estimated motion stays at 2.50 mm (1.00 to 3.00).")
    assert "do not show a gain" in sentences[1]


def test_bars_lie_on_the_scale_that_they_share():
    scale = severity_scale(corrected_scan())
    assert [text for _, text in scale.ticks] == ["0", "1", "2", "3", "4"]
    before, after = scale.bars
    assert (before.left, before.dot, before.left + before.width) == (43.75, 62.5, 81.25)
    assert (after.left, after.dot, after.left + after.width) == (6.25, 12.5, 25.0)


@pytest.mark.parametrize("high_mm", [0.0, 0.03, 0.6, 7.0, 480.0])
def test_every_scale_holds_its_bounds(high_mm):
    found = Assessment(Severity(high_mm / 2, 0.0, high_mm), is_still=False)
    scale = severity_scale(corrected_scan(assessment_before=found, assessment_after=found))
    assert all(0 <= bar.left + bar.width <= 100 for bar in scale.bars)
    assert float(scale.ticks[-1][1]) >= high_mm
    assert 2 <= len(scale.ticks) <= 12


def test_scales_are_what_the_images_hold():
    values = np.zeros((30, 30, 30), np.float32)
    values[8:22, 8:22, 8:22] = 80
    after = values + 700  # in the air, which is not asked
    after[4:26, 4:26, 4:26] = values[4:26, 4:26, 4:26] - 7
    result = corrected_scan(before=volume_of(values), after=volume_of(after), uncertainty=None)
    scales = scales_of(result)
    assert (scales.black, scales.white) == (0.0, 80.0)
    assert scales.difference == pytest.approx(7.0)
    assert scales.mean_change == pytest.approx(7.0)
    assert plane_views(result, scales)[0].uncertainty == ()


def test_what_became_brighter_is_warm_and_what_became_darker_cold():
    values = np.zeros((30, 30, 30), np.float32)
    values[8:22, 8:22, 8:22] = 80
    after = values.copy()
    after[10:20, 10:20, 15:20] += 9  # above
    after[10:20, 10:20, 10:15] -= 9  # below
    result = corrected_scan(before=volume_of(values), after=volume_of(after), uncertainty=None)
    for view in plane_views(result, scales_of(result))[:2]:
        content = base64.b64decode(view.difference[N_SLICES // 2].split(",")[1])
        shown = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
        upper, lower = shown[30 - 18, 15], shown[30 - 12, 15]
        np.testing.assert_array_equal(upper, DIFFERENCE_COLOURS[-1])
        np.testing.assert_array_equal(lower, DIFFERENCE_COLOURS[0])
        assert shown[2, 2].max() < 30  # unchanged air is dark


def test_the_legends_tell_where_the_scales_end(page):
    scales = scales_of(corrected_scan())
    for end in (scales.white, scales.uncertainty):
        assert f"<span>{number(end)}</span>" in page
    assert f"<span>−{number(scales.difference)}</span>" in page
    assert f"<span>+{number(scales.difference)}</span>" in page


def test_a_correction_that_changed_nothing_is_told_and_drawn_dark(tmp_path):
    same = corrected_scan().before
    result = corrected_scan(after=same, uncertainty=None)
    assert scales_of(result).difference == 0
    assert "nothing changed inside the head" in page_of(tmp_path / "page.html", result)


def test_images_of_different_grids_are_refused_and_nothing_is_written(tmp_path):
    other = volume_of(np.ones((9, 11, 8)))
    with pytest.raises(McnetError, match="correct the scan again on its own grid"):
        page_of(tmp_path / "page.html", replace(corrected_scan(), after=other))
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(McnetError, match="cannot be written"):
        page_of(tmp_path / "file" / "page.html", left_scan())


def test_an_oblique_scan_is_called_oblique():
    angle = np.deg2rad(12)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    assert grid_text(volume_of(np.zeros((9, 11, 7)), affine)).endswith("oblique by 12°")
    straight = Volume(np.zeros((9, 11, 7), np.float32), np.diag([1, 1.25, 2.5, 1.0]), "scan")
    expected = "9 × 11 × 7 voxels of 1.00 × 1.25 × 2.50 mm (right, anterior, superior)"
    assert grid_text(straight) == expected


def test_numbers_and_cards_read_well():
    values = (0.0, 0.01234, 1.234, 98.26, 1234.5, 2.5e7)
    assert [number(value) for value in values] == [
        "0",
        "0.0123",
        "1.23",
        "98.3",
        "1234",
        "2.50e+07",
    ]
    assert plain({"ssim": 0.912345, "heads": [1, 2]}) == "ssim: 0.9123; heads: 1, 2"


def test_a_models_card_may_say_nothing():
    entries = dict(facts(corrected_scan(model={}), scales_of(left_scan()), source="a", output="b"))
    assert entries["Licence"] == "not stated"
    assert entries["Model"] == "unnamed"


def test_a_moving_scan_without_motion_to_undo_is_not_called_still() -> None:
    result = replace(left_scan(), left_because="no motion found")
    headline, sentences = outcome(result)
    assert headline == "Left as it was"
    assert "no poses of the head were found" in sentences[0]
    assert not any("lay still is an estimate" in limit for limit in limits_of(result))


def test_the_page_says_that_motion_was_found_and_undone() -> None:
    grid = SliceGrid((5, 7), (1.0, 1.0), line_axis=1)
    poses = np.zeros((7, 3))
    poses[::2, 1] = 1.4
    motion = FoundMotion(grid, (poses,), 0.1)
    _, sentences = outcome(corrected_scan(motion=motion))
    assert "every line along z (0.69 mm from their mean" in " ".join(sentences)
    _, sentences = outcome(corrected_scan())
    assert "Poses" not in " ".join(sentences)
