"""`mcnet corrupt --raw-output` as a user meets it."""

import json
import sys

import ismrmrd
import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid, relative_error

from mcnet.cli.main import main
from mcnet.io.mrd.reading import read_raw
from mcnet.physics.fourier import centred_ifft

AFFINE = np.array(
    [[-4.0, 0, 0, 60], [0, 3.9, 0.3, -70], [0, -0.3, 3.9, -50], [0, 0, 0, 1]], dtype=float
)


@pytest.fixture
def scan(tmp_path):
    """A small scan, stored from right to left, oblique."""
    values = ellipsoid((33, 37, 35), (4, 4, 4), centre_mm=(4, 0, 0), radii_mm=(45, 55, 50))
    values = values * np.linspace(0.5, 1.5, 37, dtype=np.float32)[:, None] * 900
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(values.astype(np.float32), AFFINE), path)
    return path


@pytest.fixture
def trace(tmp_path, rng):
    path = tmp_path / "motion.par"
    np.savetxt(path, np.hstack([0.01 * rng.normal(size=(40, 3)), rng.normal(size=(40, 3))]))
    return path


@pytest.fixture
def corrupt(tmp_path, scan, trace):
    def run(*more):
        base = ["corrupt", scan, "--motion", trace, "-o", tmp_path / "moved.nii.gz"]
        given = [*base, "--matrix", 20, "--fov-mm", 192, *more]
        main([str(argument) for argument in given])

    return run


def fails(capsys, corrupt, *arguments):
    with pytest.raises(SystemExit) as ended:
        corrupt(*arguments)
    assert ended.value.code == 2
    return capsys.readouterr().err.strip()


def image_of(raw):
    images = centred_ifft(raw.kspace, [1 + axis for axis in raw.encoded_axes])
    return np.sqrt((np.abs(images) ** 2).sum(axis=0))


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_raw_data_are_those_of_the_image_and_lie_where_it_lies(tmp_path, corrupt, axis):
    corrupt("--raw-output", tmp_path / "raw.h5", "--phase-encoding-axis", axis)
    raw = read_raw(tmp_path / "raw.h5")
    image = nib.as_closest_canonical(nib.load(tmp_path / "moved.nii.gz"))
    assert raw.line_axis == axis
    assert raw.is_3d
    np.testing.assert_allclose(raw.affine, image.affine, atol=1e-3)
    assert relative_error(image_of(raw), image.get_fdata()) < 1e-3


def test_raw_slices_are_the_central_ones(tmp_path, corrupt):
    more = ["--mode", "rotation", "--raw-slices", 4, "--order", "interleaved"]
    corrupt("--raw-output", tmp_path / "raw.h5", *more)
    raw = read_raw(tmp_path / "raw.h5")
    image = nib.as_closest_canonical(nib.load(tmp_path / "moved.nii.gz"))
    assert relative_error(image_of(raw), image.get_fdata()[8:12]) < 1e-3
    np.testing.assert_allclose(raw.affine[:3, 3], (image.affine @ [8, 0, 0, 1])[:3], atol=1e-3)
    assert tuple(raw.line_at_time[:6]) == (0, 4, 8, 12, 16, 1)


def test_coils_phase_and_noise_are_in_the_raw_data_alone(tmp_path, corrupt):
    corrupt()
    plain = nib.load(tmp_path / "moved.nii.gz").get_fdata()
    more = ["--coils", 3, "--snr", 30, "--phase", "--seed", 7, "--mode", "rotation+translation"]
    corrupt("--raw-output", tmp_path / "raw.h5", *more, "--raw-slices", 3)
    raw = read_raw(tmp_path / "raw.h5")
    assert raw.n_coils == 3
    with ismrmrd.Dataset(str(tmp_path / "raw.h5"), "dataset", mode="r") as file:
        header = ismrmrd.xsd.CreateFromDocument(file.read_xml_header())
    about = json.loads(header.userParameters.userParameterString[0].value)
    assert (about["n_coils"], about["snr"], about["phase"], about["seed"]) == (3, 30, True, 7)
    assert set(about["inputs_sha256"]) == {"scan", "motion"}
    corrupt()
    np.testing.assert_array_equal(nib.load(tmp_path / "moved.nii.gz").get_fdata(), plain)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--coils", 4], "name a file for them with --raw-output"),
        (["--snr", 20], "name a file for them with --raw-output"),
        (["--raw-output", "raw.nii"], "raw.nii does not end in .h5"),
        (["--raw-output", "motion.par/raw.h5"], "cannot be written"),
        (["--raw-output", "raw.h5", "--coils", 0], "0 coils are impossible"),
        *(
            (["--raw-output", "raw.h5", "--snr", snr], f"ratio of {snr} is impossible")
            for snr in ("0", "1e-308", "nan", "inf", "1e+308")
        ),
        (["--raw-output", "raw.h5", "--raw-slices", 3], "motion.par moves out of sagittal slices"),
        (["--raw-output", "raw.h5", "--raw-slices", 30], "30 raw slices do not fit a matrix of 20"),
    ],
)
def test_impossible_raw_data_are_refused(tmp_path, corrupt, capsys, monkeypatch, more, sentence):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert sentence in fails(capsys, corrupt, *more)
    assert sorted(tmp_path.iterdir()) == before


def test_a_missing_extra_is_told_before_any_work(tmp_path, corrupt, capsys, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("mcnet.io.mrd")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "h5py", None)
    monkeypatch.setattr(
        "mcnet.io.nifti.files.read_volume", lambda _: pytest.fail("the scan was read")
    )
    message = fails(capsys, corrupt, "--raw-output", tmp_path / "raw.h5")
    assert "h5py is not installed; --raw-output needs the extra raw" in message
