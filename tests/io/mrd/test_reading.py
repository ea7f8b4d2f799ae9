"""What is read of ISMRMRD files that the ismrmrd package has written."""

from itertools import permutations, product

import ismrmrd
import nibabel as nib
import numpy as np
import pytest
from properties import relative_error
from synthetic_raw import Raw, random_image

from mcnet.io.mrd.reading import read_raw
from mcnet.motion.poses import AXES
from mcnet.physics.fourier import centred_ifft

SHAPE = (2, 9, 11, 7)
EVEN = (1, 8, 10, 6)


def image_of(scan):
    return centred_ifft(scan.kspace, [1 + axis for axis in scan.encoded_axes])


def expect_like_nibabel(scan, raw):
    """The image is the stored one, its axes reordered and flipped as nibabel does it."""
    for coil, stored in enumerate(raw.image):
        expected = nib.as_closest_canonical(nib.Nifti1Image(stored, raw.affine))
        found = image_of(scan)[coil]
        np.testing.assert_allclose(scan.affine, expected.affine, atol=1e-4)
        assert relative_error(found, np.asarray(expected.dataobj)) < 1e-5


@pytest.mark.parametrize("is_3d", [True, False])
@pytest.mark.parametrize("shape", [SHAPE, EVEN])
def test_an_oblique_scan_lies_where_nibabel_would_have_it(tmp_path, rng, shape, is_3d):
    raw = Raw(random_image(rng, *shape), is_3d=is_3d)
    scan = read_raw(raw.write(tmp_path / "scan.h5"))
    expect_like_nibabel(scan, raw)
    assert scan.is_3d == is_3d
    assert scan.n_coils == shape[0]
    assert scan.name == "scan"


@pytest.mark.slow
@pytest.mark.parametrize("is_3d", [True, False])
@pytest.mark.parametrize("shape", [(1, 3, 7, 5), (1, 4, 6, 2)])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_axes_of_every_order_and_sign_become_ras(tmp_path, rng, order, shape, is_3d):
    image = random_image(rng, *shape)
    for number, signs in enumerate(product((1, -1), repeat=3)):
        directions = np.eye(3)[:, order] * signs
        raw = Raw(image, directions=directions, is_3d=is_3d)
        scan = read_raw(raw.write(tmp_path / f"{number}.h5"))
        expect_like_nibabel(scan, raw)
        assert scan.line_axis == AXES[order[1]]
        assert scan.slice_axis == AXES[order[2]]


def test_lps_becomes_ras(tmp_path, rng):
    """By hand: 5 mm left of and 20 mm behind the isocentre, readout to the left, lines back."""
    raw = Raw(random_image(rng, 1, 9, 11, 7), (10, 10, 10), np.eye(3), (5, 20, 30))
    affine = read_raw(raw.write(tmp_path / "scan.h5")).affine
    # x is right: the readout is turned round, and its first voxel is the one furthest left
    np.testing.assert_allclose(affine[:3, :3], 10 * np.eye(3), atol=1e-6)
    np.testing.assert_allclose(affine[:3, 3], [-5 - 40, -20 - 50, 30 - 30], atol=1e-4)


@pytest.mark.parametrize("shape", [SHAPE, EVEN])
@pytest.mark.parametrize("sign", [1, -1])
def test_lines_are_known_by_their_time(tmp_path, rng, shape, sign):
    """Each line is louder than the one before it, and so found in the scan."""
    order = tuple(int(line) for line in rng.permutation(shape[2]))
    directions = np.eye(3) * [1, sign, 1]

    def loud(acquisitions):
        for place, one in enumerate(acquisitions):
            one.data[:] = 1 + place // shape[3]

    raw = Raw(random_image(rng, *shape), directions=directions, line_order=order)
    scan = read_raw(raw.but(on_acquisitions=loud).write(tmp_path / "scan.h5"))
    size = np.abs(scan.kspace[0]).sum(axis=(0, 2))
    np.testing.assert_array_equal(np.argsort(size), scan.line_at_time)


def test_the_centre_of_kspace_is_where_the_header_says(tmp_path, rng):
    """Counters from 3 on, their centre at 3 + n // 2."""

    def moved(acquisitions):
        for one in acquisitions:
            one.idx.kspace_encode_step_1 += 3

    def told(header):
        limit = header.encoding[0].encodingLimits.kspace_encoding_step_1
        limit.minimum, limit.maximum, limit.center = 3, 3 + SHAPE[2] - 1, 3 + SHAPE[2] // 2

    raw = Raw(random_image(rng, *SHAPE), on_acquisitions=moved, on_header=told)
    expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


def test_without_limits_the_middle_is_the_centre(tmp_path, rng):
    def unknown(header):
        limits = header.encoding[0].encodingLimits
        limits.kspace_encoding_step_1 = limits.kspace_encoding_step_2 = limits.slice = None

    for is_3d in (True, False):
        raw = Raw(random_image(rng, *EVEN), is_3d=is_3d, on_header=unknown)
        expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


def test_the_scan_counter_tells_the_order_and_not_the_file(tmp_path, rng):
    shuffle = rng.permutation(SHAPE[2] * SHAPE[3])
    raw = Raw(
        random_image(rng, *SHAPE),
        line_order=(3, 1, 2, 0, *range(4, 11)),
        directions=np.eye(3) * [-1, -1, 1],
    )
    raw = raw.but(on_acquisitions=lambda made: [made[number] for number in shuffle])
    scan = read_raw(raw.write(tmp_path / "scan.h5"))
    assert tuple(scan.line_at_time) == raw.line_order
    expect_like_nibabel(scan, raw)


def test_without_counters_time_stamps_tell_the_order(tmp_path, rng):
    def uncounted(made):
        for one in made:
            one.scan_counter = 0
        return made[::-1]

    raw = Raw(
        random_image(rng, *SHAPE),
        line_order=(3, 1, 2, 0, *range(4, 11)),
        directions=np.eye(3) * [-1, -1, 1],
    )
    scan = read_raw(raw.but(on_acquisitions=uncounted).write(tmp_path / "scan.h5"))
    assert tuple(scan.line_at_time) == raw.line_order


def test_partitions_measured_one_by_one_are_the_lines(tmp_path, rng):
    raw = Raw(random_image(rng, *SHAPE), directions=np.eye(3) * [-1, -1, 1], lines_first=True)
    scan = read_raw(raw.write(tmp_path / "scan.h5"))
    assert (scan.line_axis, scan.slice_axis) == ("z", "y")
    np.testing.assert_array_equal(scan.line_at_time, np.arange(7))
    expect_like_nibabel(scan, raw)


@pytest.mark.parametrize("shape", [SHAPE, EVEN, (1, 9, 10, 7)])
@pytest.mark.parametrize("factor", [2, 3])
def test_oversampling_of_the_readout_is_cut_off_exactly(tmp_path, rng, shape, factor):
    raw = Raw(random_image(rng, *shape), oversampling=factor)
    expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


def test_slices_are_sorted_by_position(tmp_path, rng):
    numbers = (4, 0, 6, 2, 5, 1, 3)
    raw = Raw(random_image(rng, *SHAPE), is_3d=False, slice_numbers=numbers)
    expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


def test_a_single_slice_is_as_thick_as_its_field_of_view(tmp_path, rng):
    raw = Raw(random_image(rng, 1, 9, 11, 1), is_3d=False)
    scan = read_raw(raw.write(tmp_path / "scan.h5"))
    expect_like_nibabel(scan, raw)
    assert sorted(scan.voxel_size_mm) == pytest.approx([30, 40, 60], abs=1e-3)


FLAGS = [
    getattr(ismrmrd, f"ACQ_IS_{name}")
    for name in (
        *("NOISE_MEASUREMENT", "PARALLEL_CALIBRATION", "NAVIGATION_DATA", "PHASECORR_DATA"),
        *("DUMMYSCAN_DATA", "RTFEEDBACK_DATA", "HPFEEDBACK_DATA"),
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("flag", FLAGS[1:])
def test_other_acquisitions_are_left_out(tmp_path, rng, flag):
    def with_others(made):
        other = ismrmrd.Acquisition.from_array(random_image(rng, 2, 5))
        other.set_flag(flag)
        return [other, *made]

    raw = Raw(random_image(rng, *SHAPE), on_acquisitions=with_others)
    expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


@pytest.mark.slow
def test_calibration_lines_that_are_imaging_lines_too_are_kept(tmp_path, rng):
    def flagged(made):
        made[5].set_flag(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING)
        for one in made[7:11]:  # some converters set both
            one.set_flag(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION)
            one.set_flag(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION_AND_IMAGING)

    raw = Raw(random_image(rng, *SHAPE), on_acquisitions=flagged)
    expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


def test_samples_to_be_discarded_are(tmp_path, rng):
    def longer(made):
        for number, one in enumerate(made):
            head, samples = one.getHead(), one.data
            padded = np.pad(samples, ((0, 0), (2, 3)), constant_values=9)
            new = ismrmrd.Acquisition.from_array(padded)
            head.number_of_samples += 5
            head.discard_pre, head.discard_post = 2, 3
            head.center_sample += 2
            new.setHead(head)
            new.data[:] = padded
            made[number] = new

    raw = Raw(random_image(rng, *SHAPE), on_acquisitions=longer)
    expect_like_nibabel(read_raw(raw.write(tmp_path / "scan.h5")), raw)


def test_noise_scans_whiten_the_coils(tmp_path, rng):
    """Noise of a known mixture comes out white, of the same mean power; the head is mixed alike."""
    mixture = np.array([[2.0, 0, 0], [0.5 + 0.5j, 1, 0], [0, -0.3j, 0.5]])

    def with_noise(made):
        noise = (mixture @ random_image(rng, 3, 4000)).astype(np.complex64)
        scans = [ismrmrd.Acquisition.from_array(part) for part in np.split(noise, 4, axis=1)]
        for one in scans:
            one.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
        return [*scans, *made]

    image = random_image(rng, 3, 9, 11, 7)
    plain = read_raw(Raw(image).write(tmp_path / "plain.h5"))
    white = read_raw(Raw(image, on_acquisitions=with_noise).write(tmp_path / "white.h5"))
    by = np.linalg.lstsq(plain.kspace.reshape(3, -1).T, white.kspace.reshape(3, -1).T, rcond=None)[
        0
    ].T
    covariance = by @ (mixture @ mixture.conj().T) @ by.conj().T
    power = np.trace(mixture @ mixture.conj().T).real / 3
    np.testing.assert_allclose(covariance, power * np.eye(3), atol=0.1 * power)


@pytest.mark.parametrize(
    ("tick", "vendor", "told_ms", "expected_s"),
    [
        (10, None, [], 0.010),
        (10, "SIEMENS", [], 0.025),
        (10, None, [10.4], 0.0104),  # the stamps are rounded, TR is not
        (10, None, [2300.0], 0.010),  # TR means something else here
        (0, None, [2300.0], 2.3),
        (0, None, [], None),
    ],
)
def test_time_between_lines_comes_from_stamps_or_repetition_time(
    tmp_path, rng, tick, vendor, told_ms, expected_s
):
    def told(header):
        header.sequenceParameters = ismrmrd.xsd.sequenceParametersType(TR=told_ms)
        header.acquisitionSystemInformation = ismrmrd.xsd.acquisitionSystemInformationType(
            systemVendor=vendor
        )

    raw = Raw(random_image(rng, *SHAPE), tick=tick, on_header=told)
    scan = read_raw(raw.write(tmp_path / "scan.h5"))
    assert scan.interval_s == (None if expected_s is None else pytest.approx(expected_s))


def test_a_header_that_says_more_than_is_known_is_read(tmp_path, rng):
    import h5py

    raw = Raw(random_image(rng, *SHAPE))
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        xml = file["dataset/xml"][0]
        file["dataset/xml"][0] = xml.replace(b"</ismrmrdHeader>", b"<new>1</new></ismrmrdHeader>")
    expect_like_nibabel(read_raw(path), raw)
