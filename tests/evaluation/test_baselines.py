"""Registration undoes a known turn and shift, and never makes an image worse."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from mcnet.core.errors import McnetError
from mcnet.evaluation.baselines import (
    register_all,
    register_rigidly,
    register_volume_rigidly,
    smooth_lightly,
)
from mcnet.metrics.similarity import ssim
from mcnet.motion.poses import pose_matrix

SHAPE = (123, 131)


def head(shape: tuple[int, int] = SHAPE, seed: int = 3) -> np.ndarray:
    """A lopsided head: a bright shell, a dim inside with blobs, and no symmetry."""
    rows, columns = np.indices(shape) - np.array(shape)[:, None, None] // 2
    radius = np.hypot(rows / 40, (columns + 0.1 * rows) / 50)
    shell = 1.0 * (np.abs(radius - 0.95) < 0.07) + 0.5 * (radius < 0.8)
    blobs = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 2.5)
    picture = shell + 1.5 * blobs * (radius < 0.8)
    return np.clip(gaussian_filter(picture, 0.9), 0, None).astype(np.float32)


def moved(image: np.ndarray, rotation_deg: float, shift: tuple[float, float]) -> np.ndarray:
    """The head moved as `mcnet.motion.poses` says: g(q) = f(R^T (q - t)) about pixel n // 2."""
    angle = np.radians(rotation_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array(image.shape) // 2
    q = np.indices(image.shape).reshape(2, -1) - centre[:, None] - np.array(shift)[:, None]
    points = turn.T @ q + centre[:, None]
    return map_coordinates(image, points, order=5).reshape(image.shape).astype(np.float32)


@pytest.mark.parametrize(
    ("rotation_deg", "shift"),
    [(7.0, (0.0, 0.0)), (0.0, (4.0, 0.0)), (0.0, (0.0, -3.5)), (-11.0, (2.3, -5.1))],
)
def test_a_known_rotation_and_translation_is_undone(rotation_deg, shift):
    reference = head()
    image = moved(reference, rotation_deg, shift)
    registered = register_rigidly(reference, image)
    assert ssim(reference, image, data_range=1.0) < 0.9
    assert ssim(reference, registered, data_range=1.0) > 0.98


@pytest.mark.slow
def test_a_known_move_in_space_is_undone():
    shape = (60, 71, 66)
    x, y, z = np.indices(shape) - np.array(shape)[:, None, None, None] // 2
    radius = np.sqrt((x / 19) ** 2 + ((y + 0.1 * x) / 26) ** 2 + (z / 23) ** 2)
    blobs = gaussian_filter(np.random.default_rng(4).normal(size=shape), 3)
    picture = 1.0 * (np.abs(radius - 0.95) < 0.1) + (0.5 + 6 * blobs) * (radius < 0.8)
    reference = np.clip(gaussian_filter(picture, 1), 0, None).astype(np.float32)
    pose = pose_matrix(np.array([2.3, -3.1, 1.4]), np.array([4.0, -3.0, 5.0]))
    q = np.stack([x, y, z]).reshape(3, -1) - pose[:3, 3:]
    points = pose[:3, :3].T @ q + np.array(shape)[:, None] // 2
    image = map_coordinates(reference, points, order=3).reshape(shape).astype(np.float32)
    before, after = (
        float(np.linalg.norm(one - reference) / np.linalg.norm(reference))
        for one in (image, register_volume_rigidly(reference, image))
    )
    assert before > 0.3
    assert after < 0.05


def test_the_same_images_give_the_same_bytes():
    reference = head()
    image = moved(reference, 3.0, (1.0, 2.0))
    first = register_rigidly(reference, image)
    assert np.array_equal(first, register_rigidly(reference, image))
    many = register_all(np.stack([reference] * 4), np.stack([image] * 4))
    assert np.array_equal(many, np.stack([first] * 4))


def test_registration_never_makes_an_image_worse(rng):
    """Noise, an empty image, and an image that is in place already."""
    reference = head()
    noise = rng.random(SHAPE).astype(np.float32)
    for image in (noise, np.zeros(SHAPE, np.float32), reference, reference[::-1].copy()):
        registered = register_rigidly(reference, image)
        before, after = (np.mean((x - reference) ** 2) for x in (image, registered))
        assert after <= before
    assert np.array_equal(register_rigidly(reference, reference), reference)


def test_a_registered_image_stays_in_the_range_of_the_image():
    reference = head()
    image = moved(reference, 5.0, (2.0, 1.0)).clip(0.1, 0.6)
    registered = register_rigidly(reference, image)
    assert registered.min() >= 0
    assert registered.max() <= image.max()


def test_every_image_goes_to_its_own_reference_in_order():
    references = np.stack([head(seed=seed) for seed in range(3)])
    images = np.stack([moved(r, 4.0 * k, (k, -k)) for k, r in enumerate(references, start=-1)])
    calls = []
    registered = register_all(references, images, progress=lambda *call: calls.append(call))
    for index in range(3):
        assert np.array_equal(registered[index], register_rigidly(references[index], images[index]))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_smoothing_blurs_within_a_slice_and_not_across(rng):
    images = rng.random((3, 21, 17)).astype(np.float32)
    smooth = smooth_lightly(images, sigma_pixels=0.7)
    assert smooth.dtype == np.float32
    for image, result in zip(images, smooth, strict=True):
        assert result == pytest.approx(gaussian_filter(image, 0.7), abs=1e-6)
        assert result.std() < image.std()


def test_what_cannot_be_registered_is_refused():
    small = np.ones((9, 30), np.float32)
    with pytest.raises(McnetError, match="16 pixels"):
        register_rigidly(small, small)
    with pytest.raises(McnetError, match="references for"):
        register_all(np.ones((2, 20, 20), np.float32), np.ones((3, 20, 20), np.float32))
