"""Raw data of a scan whose subject moves: where they lie, what they hold."""

import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.core.errors import McnetError
from mcnet.datasets.corrupted_scan import corrupt_scan
from mcnet.datasets.masks import head_mask
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace, still
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.fourier import centred_ifft

SIZE = (3.0, 2.5, 2.0)
SCAN = Acquisition((24, 26, 22), (78.0, 84.5, 66.0), order="centric")


@pytest.fixture
def head():
    values = 100 * ellipsoid((25, 31, 29), SIZE, centre_mm=(2, -1, 3), radii_mm=(24, 28, 20))
    turned = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])  # an oblique scan
    affine = np.eye(4)
    affine[:3, :3] = turned @ np.diag(SIZE)
    affine[:3, 3] = (10, -20, 30)
    return Volume(values, affine, "head")


@pytest.fixture
def motion(rng):
    shifts, turns = rng.normal(size=(SCAN.n_lines, 3)), 4 * rng.normal(size=(SCAN.n_lines, 3))
    return MotionTrace(shifts, turns, 2.0).restricted_to("rotation+translation")


def magnitudes(raw):
    images = centred_ifft(raw.kspace, [1 + axis for axis in raw.encoded_axes])
    return np.sqrt((np.abs(images) ** 2).sum(axis=0))


def test_one_coil_without_noise_measures_the_corrupted_image(head, motion):
    raw = simulate_raw(head, motion, SCAN, RawOptions())
    images = corrupt_scan(head, motion, SCAN)
    assert relative_error(magnitudes(raw), images.corrupted.values) < 1e-5
    np.testing.assert_allclose(raw.affine, images.corrupted.affine)
    np.testing.assert_array_equal(raw.line_at_time, SCAN.line_at_time)
    assert (raw.line_axis, raw.slice_axis, raw.is_3d) == ("y", "x", True)
    assert (raw.interval_s, raw.name) == (2.0, "head")


def test_central_slices_lie_where_the_scan_has_them(head, motion):
    whole = corrupt_scan(head, motion, SCAN).corrupted
    for n_slices in (5, 6, 24):
        raw = simulate_raw(head, motion, SCAN, RawOptions(n_slices=n_slices))
        first = 12 - n_slices // 2
        expected = whole.values[first : first + n_slices]
        assert relative_error(magnitudes(raw), expected) < 1e-5
        np.testing.assert_allclose(raw.affine[:3, 3], (whole.affine @ [first, 0, 0, 1])[:3])
        assert (raw.is_3d, raw.slice_axis) == (False, "x")


def test_lines_along_x_have_partitions_along_z(head, rng):
    settings = Acquisition(SCAN.matrix, SCAN.fov_mm, "x")
    raw = simulate_raw(head, still(24), settings, RawOptions())
    assert (raw.line_axis, raw.slice_axis) == ("x", "z")


@pytest.mark.parametrize("n_slices", [None, 5])
def test_coils_and_phase_leave_the_magnitude_of_a_still_head(head, n_slices):
    rest = still(SCAN.n_lines)
    options = RawOptions(n_coils=3, phase=True, n_slices=n_slices)
    plain = simulate_raw(head, rest, SCAN, RawOptions(n_slices=n_slices))
    raw = simulate_raw(head, rest, SCAN, options)
    assert raw.n_coils == 3
    assert relative_error(magnitudes(raw), magnitudes(plain)) < 1e-4
    one = simulate_raw(head, rest, SCAN, RawOptions(phase=True, n_slices=n_slices))
    assert relative_error(one.kspace, plain.kspace) > 0.1
    assert relative_error(magnitudes(one), magnitudes(plain)) < 1e-4


@pytest.mark.parametrize("n_slices", [None, 5])
def test_noise_is_what_the_ratio_says(head, n_slices):
    rest = still(SCAN.n_lines)
    plain = simulate_raw(head, rest, SCAN, RawOptions(n_slices=n_slices))
    noisy = simulate_raw(head, rest, SCAN, RawOptions(snr=20.0, n_slices=n_slices))
    axes = [1 + axis for axis in plain.encoded_axes]
    image = centred_ifft(plain.kspace, axes)[0]
    noise = centred_ifft(noisy.kspace - plain.kspace, axes)[0]
    signal = np.abs(image)[head_mask(np.abs(image))].mean()
    assert noise.real.std() == pytest.approx(signal / 20, rel=0.05)


def test_the_seed_makes_noise_and_phase(head):
    rest = still(SCAN.n_lines)
    first, again, other = (
        simulate_raw(head, rest, SCAN, RawOptions(snr=20.0, n_slices=3, seed=seed)).kspace
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert relative_error(other, first) > 0.01


def test_what_cannot_be_measured_is_refused(head, motion):
    for options, sentence in (
        ({"n_coils": 0}, "0 coils are impossible"),
        ({"snr": -1.0}, "ratio of -1 is impossible"),
        ({"snr": float("nan")}, "ratio of nan"),
        ({"seed": -1}, "seed -1 is impossible"),
    ):
        with pytest.raises(McnetError, match=sentence):
            RawOptions(**options)
    for n_slices in (0, 25):
        with pytest.raises(McnetError, match=f"{n_slices} raw slices do not fit a matrix of 24"):
            simulate_raw(head, motion, SCAN, RawOptions(n_slices=n_slices))
    across = Acquisition(SCAN.matrix, SCAN.fov_mm, "x")
    with pytest.raises(McnetError, match="is encoded across sagittal slices"):
        simulate_raw(head, still(24), across, RawOptions(n_slices=3))
    leaving = MotionTrace(np.ones((26, 3)), np.zeros((26, 3)))
    with pytest.raises(McnetError, match="moves out of sagittal slices"):
        simulate_raw(head, leaving, SCAN, RawOptions(n_slices=3))
