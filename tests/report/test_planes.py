"""Slices lie where the letters say, in true proportions, in the greys and colours stated."""

import base64
import io

import numpy as np
import pytest
from corrected_scans import volume_of
from PIL import Image

from mcnet.report.planes import PLANES, coarse, coarse_head, picture, slices_through

SHAPE = (9, 11, 7)
OPPOSITE = {"R": (0, -1), "L": (0, 0), "A": (1, -1), "P": (1, 0), "S": (2, -1), "I": (2, 0)}
"""Letter, and the axis and voxel that lie there."""


def decoded(source: str) -> Image.Image:
    kind, content = source.split(",")
    assert kind == "data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: plane.name)
def test_each_letter_stands_at_its_own_side(plane):
    sides = ((slice(None), 0), (slice(None), -1), (0, slice(None)), (-1, slice(None)))
    for letter, side in zip(plane.letters, sides, strict=True):
        values = np.zeros(SHAPE, np.float32)
        axis, voxel = OPPOSITE[letter]
        np.moveaxis(values, axis, 0)[voxel] = 1
        shown = plane.slice_of(values, 3)
        assert shown[side].min() == 1
        assert shown.sum() == shown[side].size
    assert [plane.letters for plane in PLANES] == [tuple("APSI"), tuple("RLSI"), tuple("RLAP")]


def test_slices_have_the_proportions_of_millimetres():
    volume = volume_of(np.zeros(SHAPE))
    sizes = {plane.name: plane.size_mm(volume) for plane in PLANES}
    assert sizes == {"sagittal": (22.0, 21.0), "coronal": (9.0, 21.0), "axial": (9.0, 22.0)}


def test_positions_are_the_scanners():
    affine = np.diag([1.0, 2.0, 3.0, 1.0])
    affine[:3, 3] = (-4.0, -30.0, 2.0)
    volume = volume_of(np.zeros(SHAPE), affine)
    sagittal, coronal, axial = PLANES
    assert sagittal.position(volume, 4) == "0 mm"
    assert sagittal.position(volume, 8) == "R 4 mm"
    assert coronal.position(volume, 1) == "P 28 mm"
    assert axial.position(volume, 6) == "S 20 mm"


def test_an_oblique_slices_position_is_that_of_its_middle():
    angle = np.deg2rad(30)
    affine = np.eye(4)
    affine[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    volume = volume_of(np.zeros((9, 41, 7)), affine)
    expected = abs(affine @ [2, 20, 3, 1])[0]
    assert PLANES[0].position(volume, 2) == f"L {expected:.0f} mm"


def test_greys_go_from_black_to_white_voxel_by_voxel():
    image = np.array([[-5, 0, 50], [75, 100, 1e6]], np.float32)
    shown = decoded(picture(image, 0.0, 100.0))
    assert shown.mode == "L"
    np.testing.assert_array_equal(np.asarray(shown), [[0, 0, 128], [191, 255, 255]])


def test_values_that_are_no_numbers_are_drawn_black():
    image = np.array([[np.nan, 1.0], [0.5, 1.0]], np.float32)
    assert np.asarray(decoded(picture(image, 0.0, 1.0)))[0, 0] == 0


def test_colours_end_at_the_given_ones_and_mix_between():
    colours = ((0, 0, 200), (10, 20, 30), (200, 100, 0))
    image = np.array([[-2.0, -1.0, 0.0, 1.0]], np.float32)
    shown = np.asarray(decoded(picture(image, -1.0, 1.0, colours)).convert("RGB"))[0]
    np.testing.assert_array_equal(shown[0], colours[0])
    np.testing.assert_array_equal(shown[1], colours[0])
    np.testing.assert_allclose(shown[2], colours[1], atol=2)
    np.testing.assert_array_equal(shown[3], colours[2])


def test_a_large_slice_is_shrunk_in_proportion():
    shown = decoded(picture(np.ones((640, 400), np.float32), 0.0, 1.0))
    assert shown.size == (200, 320)
    assert np.asarray(shown).min() == 255


def test_slices_go_through_the_head_and_not_the_air():
    values = np.zeros((40, 230, 30), np.float32)
    values[11:29, 120:200, 4:27] = 100
    volume = volume_of(values, np.eye(4))
    head = coarse_head(coarse(values))
    for axis, (first, last) in enumerate(((11, 28), (120, 199), (4, 26))):
        indices = slices_through(head, volume, axis, 5)
        assert len(indices) == 5
        assert first < indices[0] < indices[-1] < last
        assert max(np.diff(indices)) - min(np.diff(indices)) <= 1


def test_axial_slices_keep_to_the_brain_of_a_head_with_its_neck():
    head = np.ones((10, 10, 60), bool)
    volume = volume_of(np.zeros((10, 10, 60)), np.diag([4.0, 4.0, 4.0, 1.0]))
    indices = slices_through(head, volume, 2, 5)
    assert (59 - indices[0]) * 4.0 < 150.0
    assert indices[2] * 4.0 == pytest.approx(59 * 4.0 - 75.0, abs=4.0)


def test_a_volume_without_a_head_is_shown_as_a_whole():
    values = np.full((9, 11, 10), 3.0, np.float32)
    assert coarse_head(values).all()
    assert slices_through(coarse_head(values), volume_of(values), 0, 3) == (2, 4, 6)
