"""Which raw data are refused, and in which words."""

import re

import h5py
import ismrmrd
import numpy as np
import pytest
from ismrmrd import xsd
from synthetic_raw import Raw, random_image

from mcnet.core.errors import McnetError
from mcnet.io.mrd.completeness import missing_lines
from mcnet.io.mrd.reading import read_raw

SHAPE = (2, 5, 7, 3)


@pytest.fixture
def raw(rng):
    return Raw(random_image(rng, *SHAPE))


def expect_refused(path, sentence):
    with pytest.raises(McnetError, match=sentence) as caught:
        read_raw(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.endswith(".")
    assert "\n" not in message


def test_what_is_no_file_is_refused(tmp_path):
    expect_refused(tmp_path / "none.h5", "does not exist; give the path of an ISMRMRD file")
    expect_refused(tmp_path, "is a folder; give an ISMRMRD file")


def test_what_is_no_hdf5_is_refused(tmp_path):
    (tmp_path / "text.h5").write_text("no scan")
    (tmp_path / "empty.h5").touch()
    expect_refused(tmp_path / "text.h5", "is not an HDF5 file")
    expect_refused(tmp_path / "empty.h5", "is not an HDF5 file")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(tmp_path, raw, share):
    path = raw.write(tmp_path / "scan.h5")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    expect_refused(path, "ends too early or is damaged")


def test_a_file_that_may_not_be_read_is_refused(tmp_path, raw, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = raw.write(tmp_path / "scan.h5")
    monkeypatch.setattr("pathlib.Path.open", forbidden)
    expect_refused(path, r"cannot be read \(permission denied\)")


def test_a_file_without_a_data_set_is_refused(tmp_path):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(5)
        file.create_group("images")
    expect_refused(path, "holds no ISMRMRD data set")


def test_several_data_sets_are_listed_and_refused(tmp_path, raw):
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        file.copy("dataset", "again")
    expect_refused(path, r"holds 2 data sets \(again, dataset\); one scan is needed")


def test_images_are_no_raw_data(tmp_path, raw):
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        del file["dataset/data"]
        file["dataset/data"] = np.arange(5.0)
    expect_refused(path, "holds no acquisitions in /dataset/data")


def test_an_empty_data_set_is_refused(tmp_path, raw):
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        file["dataset/data"].resize(0, axis=0)
    expect_refused(path, "holds no acquisition: it is empty")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda xml: xml[: len(xml) // 2], "damaged XML header"),
        (lambda _: b"", "damaged XML header"),
        (lambda _: b"words", "damaged XML header"),
        (lambda _: b"<html/>", "damaged XML header"),
        (lambda xml: xml.replace(b"<y>7</y>", b"<y>many</y>"), "damaged XML header"),
        (lambda xml: xml.replace(b"<y>7</y>", b""), r"\(5, 1, 3\) samples .* no field of view"),
        (lambda xml: xml.replace(b"cartesian", b"wild"), "damaged XML header"),
        (
            lambda xml: re.sub(rb"<encodedSpace>.*</encodedSpace>", b"", xml, flags=re.DOTALL),
            r"damaged XML header \(encoding lacks encodedSpace\); a header by ISMRMRD's schema",
        ),
        (
            lambda xml: re.sub(rb"<matrixSize>.*?</matrixSize>", b"", xml, flags=re.DOTALL),
            r"damaged XML header \(encodingSpace lacks matrixSize\)",
        ),
        (
            lambda xml: re.sub(rb"<(encodingLimits|trajectory)>.*</\1>", b"", xml, flags=re.DOTALL),
            r"\(encoding lacks encodingLimits and trajectory\)",
        ),
    ],
)
def test_a_damaged_header_is_refused(tmp_path, raw, damage, sentence):
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        file["dataset/xml"][0] = damage(file["dataset/xml"][0])
    expect_refused(path, sentence)


def test_a_missing_header_is_refused(tmp_path, raw):
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        del file["dataset/xml"]
    expect_refused(path, "has no XML header in /dataset")


def of_encoding(**changes):
    def change(header):
        for name, value in changes.items():
            setattr(header.encoding[0], name, value)

    return change


def parallel(along_lines, along_partitions):
    factors = xsd.accelerationFactorType(
        kspace_encoding_step_1=along_lines, kspace_encoding_step_2=along_partitions
    )
    return xsd.parallelImagingType(accelerationFactor=factors)


def no_length(header):
    header.encoding[0].encodedSpace.fieldOfView_mm.y = 0.0


def lengths(x, y, z):
    def change(header):
        for space in (header.encoding[0].encodedSpace, header.encoding[0].reconSpace):
            told = space.fieldOfView_mm
            told.x, told.y, told.z = float(x), float(y), float(z)

    return change


def wider(header):
    header.encoding[0].reconSpace.fieldOfView_mm.x *= 2


def endless(header):
    header.encoding[0].encodingLimits.slice.maximum = 10**12


def huge(header):
    encoding = header.encoding[0]
    encoding.encodedSpace.matrixSize.y = encoding.encodedSpace.matrixSize.z = 60000
    for limit in (
        encoding.encodingLimits.kspace_encoding_step_1,
        encoding.encodingLimits.kspace_encoding_step_2,
    ):
        limit.maximum, limit.center = 59999, 30000


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda header: header.encoding.clear(), "tells of 0 encodings"),
        (lambda header: header.encoding.append(header.encoding[0]), "tells of 2 encodings"),
        (of_encoding(trajectory=xsd.trajectoryType.RADIAL), "trajectory that is radial"),
        (of_encoding(trajectory=xsd.trajectoryType.EPI), "trajectory that is epi"),
        (of_encoding(parallelImaging=parallel(2, 1)), r"parallel imaging \(factors 2 and 1\)"),
        (of_encoding(parallelImaging=parallel(1, 3)), r"parallel imaging \(factors 1 and 3\)"),
        (no_length, "is no field of view"),
        (
            lengths(0.256, 0.256, 0.2),
            r"reconSpace.fieldOfView_mm.x of 0.256 mm \(metres\? 256 mm would be a head\)",
        ),
        (lengths(256, 0.22, 200), r"encodedSpace.fieldOfView_mm.y of 0.22 mm \(metres"),
        (lengths(256, 220, 0.2), r"\(5, 7, 3\) samples in \(256.0, 220.0, 0.2\) mm, but of a head"),
        (
            lengths(18, 220, 200),
            "fieldOfView_mm.x of 18 mm, but a field of view .* is 50 to 600 mm",
        ),
        (lengths(1800, 220, 200), "fieldOfView_mm.x of 1800 mm, but a field of view that images"),
        (lengths(256, 18, 200), "fieldOfView_mm.y of 18 mm, but"),
        (lengths(256, 1800, 200), "fieldOfView_mm.y of 1800 mm, but"),
        (lengths(256, 220, 1800), "all partitions together 600 mm at most"),
        (endless, "tells of limits 0 to 1000000000000 of slice"),
        (huge, r"tells of \(5, 60000, 60000\) samples .* voxels are 0.1 mm long or more"),
        (wider, "reconSpace must lie within encodedSpace"),
    ],
)
def test_other_encodings_are_refused(tmp_path, raw, change, sentence):
    expect_refused(raw.but(on_header=change).write(tmp_path / "scan.h5"), sentence)


def test_parallel_imaging_by_a_factor_of_one_is_none(tmp_path, raw):
    path = raw.but(on_header=of_encoding(parallelImaging=parallel(1, 1))).write(tmp_path / "a.h5")
    assert read_raw(path).n_coils == 2


def each(**changes):
    """Change the first acquisition's header."""

    def change(made):
        for name, value in changes.items():
            holder = made[0].idx if hasattr(made[0].idx, name) else made[0]
            setattr(holder, name, value)

    return change


def flag_first(flag):
    return lambda made: made[0].set_flag(flag)


def without(chosen):
    return lambda made: [one for one in made if not chosen(one)]


def line_of(one):
    return one.idx.kspace_encode_step_1


def zero_where(chosen):
    def change(made):
        for one in made:
            if chosen(one):
                one.data[:] = 0

    return change


def without_beginning(n_zeros, chosen=lambda _: True):
    def change(made):
        for one in made:
            if chosen(one):
                one.data[:, :n_zeros] = 0

    return change


def one_zero_coil(made):
    for one in made:
        one.data[0] = 0


def silent(made):
    for one in made:
        one.data[:] = 0


def broken(made):
    made[4].data[0, 1] = np.nan


def first_with(n_coils, n_samples):
    def change(made):
        head = made[0].getHead()
        head.active_channels, head.number_of_samples = n_coils, n_samples
        made[0].setHead(head)

    return change


def with_noise(*shape):
    def change(made):
        noise = ismrmrd.Acquisition.from_array(np.ones(shape, np.complex64))
        noise.set_flag(ismrmrd.ACQ_IS_NOISE_MEASUREMENT)
        return [noise, *made]

    return change


def shifted(made):
    made[3].position[0] += 5


def turned(made):
    made[3].read_dir[:], made[3].phase_dir[:] = tuple(made[3].phase_dir), tuple(made[3].read_dir)


def without_directions(made):
    for one in made:
        one.read_dir[:] = (0, 0, 0)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        # 7 lines of 3 partitions
        (without(lambda one: line_of(one) % 2), "lacks 9 of 21 acquisitions: 3 of 7 lines are inc"),
        (without(lambda one: line_of(one) < 2), r"lacks 6 of 21 acquisitions \(partial Fourier\)"),
        (without(lambda one: line_of(one) == 4), "the first being line 4 of partition 0; fully"),
        (lambda made: made[:-1], "lacks 1 of 21 acquisitions: 1 of 7 lines"),
        (
            zero_where(lambda one: line_of(one) % 2),
            "lacks 9 of 21 acquisitions, which are filled with zeros: 3 of 7 lines are incomplete",
        ),
        (
            zero_where(lambda one: line_of(one) < 2),
            r"lacks 6 of 21 acquisitions, which are filled with zeros \(partial Fourier\)",
        ),
        (
            zero_where(lambda one: line_of(one) == 4 and one.idx.kspace_encode_step_2 == 1),
            "lacks 1 of 21 .* zeros: 1 of 7 lines .* the first being line 4 of partition 1; fully",
        ),
        (
            zero_where(lambda one: one.idx.kspace_encode_step_2 == 2),
            "lacks 7 of 21 acquisitions, .* zeros: 7 of 7 lines are incomplete",
        ),
        (lambda made: [*made, made[4]], "holds 1 lines more than once, the first being line 1 of"),
        (
            each(kspace_encode_step_1=7),
            "kspace_encode_step_1 lies outside of the header's limits 0",
        ),
        (
            each(kspace_encode_step_2=3),
            "kspace_encode_step_2 lies outside of the header's limits 0",
        ),
        (each(repetition=1), "holds 2 repetitions; one image is needed"),
        (each(average=1), "holds 2 averages"),
        (each(contrast=2), "holds 2 contrasts"),
        (each(phase=1), "holds 2 phases"),
        (each(set=1), "holds 2 sets"),
        (each(slice=1), "holds 2 slabs"),
        (each(center_sample=1), "lies at sample 1 instead of 2, the middle; asymmetric echoes"),
        (each(discard_pre=1), "number of samples than the 5 of its header, such as 4"),
        (first_with(2, 4), "number of samples than the 5 of its header, such as 4"),
        (first_with(1, 5), "has lines of 1 and of 2 coils"),
        (flag_first(ismrmrd.ACQ_IS_REVERSE), "has 1 lines that are read out backwards"),
        (flag_first(ismrmrd.ACQ_COMPRESSION1), "has 1 lines that are compressed"),
        (lambda _: with_noise(2, 8)([]), "none is a line of an image"),
        (with_noise(2, 2), "noise scans of 2 samples from which the noise of 2 coils"),
        (with_noise(2, 50), "cannot be told apart"),  # both coils have the same noise
        (with_noise(3, 50), "noise scans and lines of 2 and 3 coils"),
        (silent, "holds nothing but zeros"),
        (without_beginning(2), "has 21 lines that begin or end with samples filled with zeros, su"),
        (without_beginning(3, lambda one: line_of(one) == 4), "has 3 lines .* such as 3 of 5; who"),
        (broken, "NaN or infinite"),
        (shifted, "lines of one slice or slab at several positions"),
        (turned, "acquisitions of several orientations"),
        (without_directions, "not three unit vectors at right angles"),
    ],
)
def test_other_acquisitions_are_refused(tmp_path, raw, change, sentence):
    expect_refused(raw.but(on_acquisitions=change).write(tmp_path / "scan.h5"), sentence)


def test_lines_beyond_the_matrix_are_refused(tmp_path, raw):
    def off_centre(header):
        header.encoding[0].encodingLimits.kspace_encoding_step_1.center = 1

    path = raw.but(on_header=off_centre).write(tmp_path / "scan.h5")
    expect_refused(path, "lies outside of a matrix of 7 about the centre 1, such as 5")


def test_samples_fewer_than_the_header_tells_of_are_refused(tmp_path, raw):
    path = raw.write(tmp_path / "scan.h5")
    with h5py.File(path, "r+") as file:
        row = file["dataset/data"][3]
        row["data"] = row["data"][:-2]
        file["dataset/data"][3] = row
    expect_refused(path, "has 9 samples in acquisition 3, whose header tells of 2 coils with 5")


def test_lines_without_a_time_of_their_own_are_refused(tmp_path, raw, rng):
    def mixed(made):
        for number, one in zip(rng.permutation(len(made)), made, strict=True):
            one.scan_counter = number

    path = raw.but(on_acquisitions=mixed).write(tmp_path / "scan.h5")
    expect_refused(path, "goes on to other lines before all partitions of a line are measured")
    slices = raw.but(is_3d=False, lines_first=True).write(tmp_path / "slices.h5")
    expect_refused(slices, "goes on to other lines before all slices of a line are measured")


def test_slices_that_are_no_stack_are_refused(tmp_path, raw):
    def moved(along, step_mm):
        def change(made):
            for one in made:
                if one.idx.slice == 1:
                    one.position[:] = tuple(np.array(one.position) + step_mm * along)

        return change

    raw = raw.but(is_3d=False)
    normal, across = raw.directions[:, 2], raw.directions[:, 0]
    for along, step_mm, sentence in (
        (normal, 1.0, "has slices 59 to 61 mm apart"),
        (normal, 60.0, "has 2 slices at one position"),
        (across, 5.0, "shifted sideways by up to 5 mm"),
    ):
        path = raw.but(on_acquisitions=moved(along, step_mm)).write(tmp_path / "scan.h5")
        expect_refused(path, sentence)


@pytest.mark.parametrize("chosen", [1, 0, 2])
def test_zero_slices_are_missing_unless_they_lie_at_an_end_of_the_stack(tmp_path, raw, chosen):
    """Beyond the head a scan simulated without noise has nothing; within it, something is lost."""
    change = zero_where(lambda one: one.idx.slice == chosen)
    path = raw.but(is_3d=False, on_acquisitions=change).write(tmp_path / "scan.h5")
    if chosen == 1:
        expect_refused(path, "lacks 7 of 21 acquisitions, which are filled with zeros: 7 of 7")
    else:
        assert read_raw(path).n_lines == 7


def test_a_zero_line_of_a_slice_at_an_end_is_missing(tmp_path, raw):
    change = zero_where(lambda one: one.idx.slice == 0 and line_of(one) == 5)
    path = raw.but(is_3d=False, on_acquisitions=change).write(tmp_path / "scan.h5")
    expect_refused(path, "lacks 1 of 21 acquisitions.*the first being line 5 of slice 0")


def test_missing_lines_are_those_of_zeros_in_all_coils():
    kspace = np.ones((2, 5, 7, 3), np.complex64)
    kspace[:, :, 4, 1] = 0
    kspace[0, :, 2, 2] = 0  # one coil alone
    kspace[:, 1:, 3, 0] = 0  # but one sample
    for is_3d in (True, False):
        assert np.argwhere(missing_lines(kspace, is_3d=is_3d)).tolist() == [[4, 1]]


def test_a_coil_that_is_silent_is_no_missing_line(tmp_path, raw):
    path = raw.but(on_acquisitions=one_zero_coil).write(tmp_path / "scan.h5")
    assert read_raw(path).n_coils == 2


def test_a_single_zero_sample_is_no_missing_one(tmp_path, raw):
    path = raw.but(on_acquisitions=without_beginning(1)).write(tmp_path / "scan.h5")
    assert read_raw(path).n_lines == 7


def test_a_slice_that_is_not_there_is_told(tmp_path, raw):
    missing = raw.but(is_3d=False, on_acquisitions=without(lambda one: one.idx.slice == 2))
    expect_refused(missing.write(tmp_path / "scan.h5"), "lacks 7 of 21 acquisitions: 7 of 7 lines")
