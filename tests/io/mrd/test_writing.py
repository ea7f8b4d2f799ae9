"""What is written as ISMRMRD, read back by mcnet and by the ismrmrd package itself."""

import json
import subprocess
import sys
from pathlib import Path

import ismrmrd
import numpy as np
import pytest
from properties import relative_error
from scipy.spatial.transform import Rotation
from synthetic_raw import random_image

from mcnet.core.errors import McnetError
from mcnet.io.kspace import RawScan
from mcnet.io.mrd.reading import read_raw
from mcnet.io.mrd.writing import write_raw
from mcnet.motion.poses import AXES
from mcnet.physics.fourier import centred_fft

SHAPE = (2, 9, 11, 7)
EVEN = (1, 8, 10, 6)
OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", [20, -15, 10], degrees=True).as_matrix()
OBLIQUE[:3, :3] *= (15, 20, 30)
OBLIQUE[:3, 3] = (-30, 12, 55)
PLANES = [(line, other) for line in AXES for other in AXES if line != other]


def scan_of(image, *, affine=OBLIQUE, line="y", other="x", is_3d=True, **more):
    axes = [1 + index for index, axis in enumerate(AXES) if is_3d or axis != other]
    n_lines = image.shape[1 + AXES.index(line)]
    order = np.concatenate([np.arange(1, n_lines, 2), np.arange(0, n_lines, 2)])
    kspace = centred_fft(image, axes).astype(np.complex64)
    return RawScan(kspace, affine.copy(), line, other, is_3d, order, **more)


def written(path, scan, **more):
    write_raw(path, scan, **more)
    return path


@pytest.mark.parametrize("is_3d", [True, False])
@pytest.mark.parametrize("shape", [SHAPE, EVEN])
@pytest.mark.parametrize(("line", "other"), PLANES)
def test_what_is_written_is_read(tmp_path, rng, line, other, shape, is_3d):
    scan = scan_of(
        *(random_image(rng, *shape),), line=line, other=other, is_3d=is_3d, interval_s=2.3
    )
    found = read_raw(written(tmp_path / "raw.h5", scan))
    assert relative_error(found.kspace, scan.kspace) < 1e-6
    np.testing.assert_allclose(found.affine, scan.affine, atol=1e-4)
    assert (found.line_axis, found.slice_axis, found.is_3d) == (line, other, is_3d)
    np.testing.assert_array_equal(found.line_at_time, scan.line_at_time)
    assert found.interval_s == pytest.approx(2.3)
    assert found.name == "raw"


def test_an_unknown_interval_stays_unknown(tmp_path, rng):
    assert (
        read_raw(written(tmp_path / "a.h5", scan_of(random_image(rng, *SHAPE)))).interval_s is None
    )


def straight(shape, size=(2.0, 3.0, 4.0), origin=(10.0, 20.0, 30.0)):
    affine = np.diag([*size, 1.0])
    affine[:3, 3] = origin
    return affine


def read_by_ismrmrd(path):
    with ismrmrd.Dataset(str(path), "dataset", mode="r") as file:
        header = ismrmrd.xsd.CreateFromDocument(file.read_xml_header())
        return header, [file.read_acquisition(n) for n in range(file.number_of_acquisitions())]


def test_places_and_directions_are_lps_numbers_by_hand_in_3d(tmp_path, rng):
    """Readout z, lines y, partitions x: up x back = left; the centre voxel of 9 x 11 x 7."""
    scan = scan_of(random_image(rng, *SHAPE), affine=straight(SHAPE), interval_s=0.5)
    header, made = read_by_ismrmrd(written(tmp_path / "a.h5", scan))
    assert len(made) == 9 * 11
    for one in made:
        np.testing.assert_allclose(one.read_dir, (0, 0, 1), atol=1e-6)
        np.testing.assert_allclose(one.phase_dir, (0, -1, 0), atol=1e-6)  # y front, so -1 of back
        np.testing.assert_allclose(one.slice_dir, (1, 0, 0), atol=1e-6)
        # x 10 + 4 * 2 = 18 right, y 20 + 5 * 3 = 35 front, z 30 + 3 * 4 = 42 up
        np.testing.assert_allclose(one.position, (-18, -35, 42), atol=1e-4)
    space = header.encoding[0].encodedSpace
    assert (space.matrixSize.x, space.matrixSize.y, space.matrixSize.z) == (7, 11, 9)
    fov = space.fieldOfView_mm
    np.testing.assert_allclose((fov.x, fov.y, fov.z), (28, 33, 18))
    limits = header.encoding[0].encodingLimits
    assert (limits.kspace_encoding_step_1.maximum, limits.kspace_encoding_step_1.center) == (10, 5)
    assert (limits.kspace_encoding_step_2.maximum, limits.kspace_encoding_step_2.center) == (8, 4)
    assert header.sequenceParameters.TR == [500]
    assert header.subjectInformation is None
    assert header.encoding[0].trajectory.value == "cartesian"


def test_places_and_directions_are_lps_numbers_by_hand_in_2d(tmp_path, rng):
    """Readout x, lines y, slices z: right x front = up, as RAS+ has it."""
    scan = scan_of(random_image(rng, *EVEN), affine=straight(EVEN), other="z", is_3d=False)
    header, made = read_by_ismrmrd(written(tmp_path / "a.h5", scan))
    for one in made:
        np.testing.assert_allclose(one.read_dir, (-1, 0, 0), atol=1e-6)
        np.testing.assert_allclose(one.phase_dir, (0, -1, 0), atol=1e-6)
        np.testing.assert_allclose(one.slice_dir, (0, 0, 1), atol=1e-6)
        # voxel 4 of 8 and 5 of 10, and the slice's own place
        np.testing.assert_allclose(one.position, (-18, -35, 30 + 4 * one.idx.slice), atol=1e-4)
        assert one.idx.kspace_encode_step_2 == 0
    assert header.encoding[0].encodedSpace.matrixSize.z == 1
    assert header.encoding[0].encodedSpace.fieldOfView_mm.z == pytest.approx(4)
    assert header.encoding[0].encodingLimits.slice.maximum == 5
    assert header.sequenceParameters is None


@pytest.mark.parametrize("shape", [SHAPE, EVEN])
def test_another_reader_finds_every_sample_at_its_place_and_time(tmp_path, rng, shape):
    """Partitions run to the left, so that the spectrum of the image turned round is in the file."""
    image = random_image(rng, *shape)
    scan = scan_of(image, interval_s=0.25)
    _, made = read_by_ismrmrd(written(tmp_path / "a.h5", scan))
    expected = centred_fft(image[:, ::-1], (1, 2, 3))
    n_partitions, n_readout = shape[1], shape[3]
    for number, one in enumerate(made):
        line, partition = one.idx.kspace_encode_step_1, one.idx.kspace_encode_step_2
        time = number // n_partitions
        assert line == scan.line_at_time[time]
        assert one.scan_counter == number
        assert one.acquisition_time_stamp == 250 * time
        assert one.center_sample == n_readout // 2
        assert relative_error(one.data, expected[:, partition, line]) < 1e-5
    assert one.active_channels == one.available_channels == shape[0]
    assert [one.isChannelActive(coil) for coil in range(3)] == [True, shape[0] == 2, False]


@pytest.mark.parametrize("is_3d", [True, False])
def test_first_and_last_of_a_slice_are_flagged(tmp_path, rng, is_3d):
    scan = scan_of(random_image(rng, *SHAPE), is_3d=is_3d)
    _, made = read_by_ismrmrd(written(tmp_path / "a.h5", scan))
    found = [
        [one.is_flag_set(flag) for one in made]
        for flag in (ismrmrd.ACQ_FIRST_IN_SLICE, ismrmrd.ACQ_LAST_IN_SLICE)
    ]
    n_ends = 1 if is_3d else 9
    assert found[0] == [True] * n_ends + [False] * (99 - n_ends)
    assert found[1] == found[0][::-1]
    ends = [one.is_flag_set(ismrmrd.ACQ_LAST_IN_MEASUREMENT) for one in made]
    assert ends == [False] * 98 + [True]


def test_the_file_tells_where_it_comes_from(tmp_path, rng):
    (tmp_path / "head").write_text("head")
    scan = scan_of(random_image(rng, *EVEN), name="subject name")
    path = tmp_path / "a.h5"
    write_raw(path, scan, seed=5, inputs={"scan": tmp_path / "head"}, notes={"snr": 20})
    header, _ = read_by_ismrmrd(path)
    (told,) = header.userParameters.userParameterString
    about = json.loads(told.value)
    assert told.name == "mcnet"
    assert (about["seed"], about["snr"]) == (5, 20)
    assert set(about["inputs_sha256"]) == {"scan"}
    assert b"subject name" not in path.read_bytes()


def test_the_same_scan_gives_the_same_bytes(tmp_path, rng):
    scan = scan_of(random_image(rng, *EVEN))
    first, second = (written(tmp_path / name, scan).read_bytes() for name in ("a.h5", "b.h5"))
    assert first == second


def test_a_file_is_written_whole_or_not_at_all(tmp_path, rng, monkeypatch):
    scan = scan_of(random_image(rng, *EVEN))
    path = written(tmp_path / "a.h5", scan)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(McnetError, match="cannot be written .no space left on device"):
        write_raw(path, scan)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.h5"]


FULL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from mcnet.io.mrd.writing import write_raw
from mcnet.io.kspace import RawScan
from mcnet.core.errors import McnetError

scan = RawScan(np.ones((4, 16, 16, 16), np.complex64), np.eye(4), "y", "x", True, np.arange(16))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
try:
    write_raw(Path(sys.argv[1]), scan)
except McnetError as error:
    print(error)
"""


@pytest.mark.slow
@pytest.mark.parametrize("room", [0, 500, 3000, 60_000, 120_000])
def test_a_disk_that_fills_up_ends_in_a_sentence_and_leaves_nothing(tmp_path, room):
    # files that may not grow beyond a limit end as on a full disk; HDF5 alone would crash here
    path = tmp_path / "new" / "a.h5"
    given = [sys.executable, "-c", FULL, str(path), str(room)]
    done = subprocess.run(given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "cannot be written (file too large)" in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("a.nii.gz", "does not end in .h5"),
        ("folder.h5", "it is a folder"),
        ("f/a.h5", "is no folder"),
    ],
)
def test_impossible_outputs_are_refused(tmp_path, rng, name, sentence):
    (tmp_path / "folder.h5").mkdir()
    (tmp_path / "f").touch()
    with pytest.raises(McnetError, match=sentence):
        write_raw(tmp_path / name, scan_of(random_image(rng, *EVEN)))
