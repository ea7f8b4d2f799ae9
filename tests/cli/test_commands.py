"""The command line as a user meets it: what it writes, what it says, how it ends."""

import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid
from synthetic_dicom import Grid, Series

from mcnet.cli.main import COMMANDS, main
from mcnet.io.dicom.series import read_series
from mcnet.io.metadata import metadata_of
from mcnet.io.nifti.files import read_volume, voxel_axes, write_volume
from mcnet.io.phase_encoding import phase_encoding_of
from mcnet.motion.formats.files import read_motion

EXTRA = (
    *("SimpleITK", "jinja2", "lightning", "matplotlib"),
    *("safetensors", "torch", "torchmetrics"),
)
"""Modules of the training extra."""

AFFINE = np.array(
    [[-4.0, 0, 0, 60], [0, 3.9, 0.3, -70], [0, -0.3, 3.9, -50], [0, 0, 0, 1]], dtype=float
)


@pytest.fixture
def scan(tmp_path):
    """A small scan, stored from right to left, oblique, as integers with a slope."""
    values = ellipsoid((33, 37, 35), (4, 4, 4), centre_mm=(4, 0, 0), radii_mm=(45, 55, 50))
    values = values * np.linspace(0.5, 1.5, 37, dtype=np.float32)[:, None] * 900
    image = nib.Nifti1Image(values, AFFINE)
    image.set_data_dtype(np.int16)
    image.header.set_slope_inter(0.5, 0)
    path = tmp_path / "scan.nii.gz"
    nib.save(image, path)
    return path


@pytest.fixture
def trace(tmp_path, rng):
    path = tmp_path / "motion.par"
    np.savetxt(path, np.hstack([0.01 * rng.normal(size=(40, 3)), rng.normal(size=(40, 3))]))
    return path


def run(*arguments):
    main([str(argument) for argument in arguments])


def fails(capsys, *arguments):
    """The sentence on which a command ends with status 2."""
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err.strip()
    assert "Traceback" not in message
    return message


def corrupt(scan, trace, output, *more):
    run("corrupt", scan, "--motion", trace, "-o", output, "--matrix", 32, "--fov-mm", 192, *more)


def test_corrupt_writes_the_moving_and_the_still_head_on_one_grid(tmp_path, scan, trace):
    moved, still = tmp_path / "moved.nii.gz", tmp_path / "still.nii.gz"
    corrupt(scan, trace, moved, "--reference-output", still, "--mode", "six-dof")
    images = [nib.load(path) for path in (scan, moved, still)]
    assert images[1].shape == images[2].shape == (32, 32, 32)
    np.testing.assert_allclose(images[1].affine, images[2].affine)
    assert nib.aff2axcodes(images[1].affine) == nib.aff2axcodes(AFFINE)
    assert images[1].get_data_dtype() == np.int16
    np.testing.assert_allclose(images[1].header.get_zooms(), 6, atol=1e-4)
    source, corrupted, reference = (image.get_fdata() for image in images)
    # the intensity scale survives, and the corrupted image is no copy of the reference
    assert np.percentile(reference, 99) == pytest.approx(np.percentile(source, 99), rel=0.1)
    assert np.abs(corrupted - reference).max() > 20
    # the same world: the bright mass lies at the same place
    centres = [
        image.affine
        @ [
            *np.average(
                np.indices(image.shape).reshape(3, -1),
                axis=1,
                weights=image.get_fdata().reshape(-1).clip(0),
            ),
            1,
        ]
        for image in (images[0], images[2])
    ]
    np.testing.assert_allclose(centres[0], centres[1], atol=0.5)


def test_corrupt_tells_where_its_output_comes_from(tmp_path, scan, trace):
    corrupt(scan, trace, tmp_path / "moved.nii.gz", "--scale", 2, "--start", 3)
    about = json.loads((tmp_path / "moved.json").read_text())
    assert set(about["inputs_sha256"]) == {"scan", "motion"}
    assert about["version"]
    assert about["start"] == 3
    assert about["motion_magnitude"] > 0


@pytest.mark.parametrize("letters", ["LAS", "RAS", "PIR", "SLA"])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_the_axis_of_the_lines_is_read_back(tmp_path, scan, trace, axis, letters):
    image = nib.load(scan)
    axes = (nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(letters))
    nib.save(image.as_reoriented(nib.orientations.ornt_transform(*axes)), tmp_path / "turned.nii")
    outputs = [tmp_path / name for name in ("moved.nii.gz", "still.nii.gz", "phase.nii.gz")]
    more = ["--phase-encoding-axis", axis, "--reference-output", outputs[1]]
    corrupt(tmp_path / "turned.nii", trace, outputs[0], *more, "--phase-output", outputs[2])
    assert "".join(nib.aff2axcodes(nib.load(outputs[0]).affine)) == letters
    for output in outputs:
        volume, axes = read_volume(output), voxel_axes(output)
        assert phase_encoding_of(metadata_of(output), volume.affine, axes).axis == axis


def test_corrupt_with_another_start_sees_other_motion(tmp_path, scan, trace):
    corrupt(scan, trace, tmp_path / "a.nii.gz")
    corrupt(scan, trace, tmp_path / "b.nii.gz", "--start", 5)
    corrupt(scan, trace, tmp_path / "c.nii.gz")
    a, b, c = (nib.load(tmp_path / f"{name}.nii.gz").get_fdata() for name in "abc")
    assert np.abs(a - b).max() > 10
    np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize(
    ("name", "motion_format"),
    [("used.csv", "csv"), ("used.par", "fsl"), ("rp_used.txt", "spm"), ("used.tsv", "fmriprep")],
)
@pytest.mark.parametrize("resample", [[], ["--resample"]])
def test_corrupt_writes_the_motion_that_it_used(
    tmp_path, scan, trace, name, motion_format, resample, capsys
):
    used = tmp_path / name
    more = ["--scale", 3, "--mode", "rotation+translation", "--order", "interleaved", *resample]
    output = ["--motion-output", used, "--motion-output-format", motion_format]
    corrupt(scan, trace, tmp_path / "a.nii.gz", *more, *output, "--start", 4)
    motion = read_motion(used)
    source = read_motion(trace)
    points = np.linspace(4, 39, 32) if resample else np.arange(4, 36)
    # shots of every fourth line: the centre, line 16, is the fifth of the first shot
    expected = np.interp(points, np.arange(40), source.rotation_deg[:, 0])
    assert motion.n_points == 32
    assert motion.rotation_deg[4] == pytest.approx([0, 0, 0], abs=1e-9)
    assert motion.translation_mm[4] == pytest.approx([0, 0, 0], abs=1e-9)
    assert motion.rotation_deg[:, 0] == pytest.approx(3 * (expected - expected[4]), abs=0.1)
    assert not motion.rotation_deg[:, 1:].any()
    assert not motion.translation_mm[:, 0].any()
    told = capsys.readouterr().err
    assert ("36 poses from point 4 on were resampled to 32 lines" in told) == bool(resample)
    assert ("32 of its 40 poses, from point 4 on, were used" in told) != bool(resample)
    # the same motion again, as it is
    again = tmp_path / "b.nii.gz"
    corrupt(scan, used, again, "--order", "interleaved")
    a, b = (nib.load(tmp_path / f"{one}.nii.gz").get_fdata() for one in "ab")
    np.testing.assert_allclose(a, b, atol=0.5)


def test_a_short_trace_spans_the_scan_on_request(tmp_path, scan, trace, capsys):
    base = ["corrupt", scan, "--motion", trace, "-o", tmp_path / "a.nii.gz", "--fov-mm", 192]
    run(*base, "--matrix", 64, "--resample", "--motion-output", tmp_path / "used.csv")
    assert read_motion(tmp_path / "used.csv").n_points == 64
    assert "its 40 poses were resampled to 64 lines" in capsys.readouterr().err


def test_a_head_at_rest_is_the_reference(tmp_path, scan, trace, capsys):
    moved, still = tmp_path / "moved.nii.gz", tmp_path / "still.nii.gz"
    corrupt(scan, trace, moved, "--reference-output", still, "--scale", 0)
    assert "motion.par holds one and the same pose throughout" in capsys.readouterr().err
    corrupted, reference = (nib.load(path).get_fdata() for path in (moved, still))
    np.testing.assert_allclose(corrupted, reference, atol=0.5)  # a step of the stored integers


def test_phase_comes_in_radians(tmp_path, scan, trace):
    corrupt(scan, trace, tmp_path / "m.nii.gz", "--phase-output", tmp_path / "p.nii.gz")
    phase = nib.load(tmp_path / "p.nii.gz").get_fdata()
    assert phase.max() <= np.pi + 1e-5
    assert phase.min() < -1


def test_compare_prints_what_it_means_by_ssim(tmp_path, scan, trace, capsys):
    moved, still = tmp_path / "moved.nii.gz", tmp_path / "still.nii.gz"
    corrupt(scan, trace, moved, "--reference-output", still)
    capsys.readouterr()
    run("compare", still, still, moved, "--json")
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    same, other = (found["images"][str(path)] for path in (still, moved))
    assert same["ssim"] == pytest.approx(1)
    assert same["nmse"] == 0
    assert same["psnr"] is None  # infinite, which JSON cannot say
    assert other["psnr"] > 10
    assert other["ssim"] < 0.99
    assert "Gaussian" in found["definition"]
    run("compare", still, moved)
    assert "ssim_head" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--matrix", 32, 32], "--matrix has 2 numbers"),
        (["--matrix", 0], "too small"),
        (["--matrix", 64], "has 40 poses, but the scan has 64 phase-encoding lines"),
        (["--start", 20], "has 20 poses from point 20 on, but the scan has 32"),
        (["--start", 40], "none is number 40"),
        (["--start", -1, "--resample"], "none is number -1"),
        (["--fov-mm", 60], "give a larger field of view"),
        (["--fov-mm", 0.256], "folds over"),
        (["--fov-mm", 1e308], "give a smaller field of view"),
        (["--fov-mm", "nan"], "positive lengths"),
        (["--fov-mm", -3], "positive lengths"),
        (["--scale", "nan"], "scale nan"),
        (["--scale", "inf"], "scale inf"),
        (["--scale", 1e308], "scale 1e+308 is impossible"),
        (["--scale", 1e300], "give a --scale of"),
        (["--scale", 100], "give a --scale of"),
        (["--motion-format", "spm"], "give --motion-format fsl"),
        (["--motion-output", "used.par"], "would not be read again as afni; name it *.1D"),
    ],
)
def test_corrupt_refuses_what_cannot_be(tmp_path, scan, trace, capsys, more, sentence):
    before = sorted(tmp_path.iterdir())
    base = ["corrupt", scan, "--motion", trace, "-o", tmp_path / "out.nii.gz"]
    given = [*base, *([] if "--matrix" in more else ["--matrix", 32]), *more]
    given += ["--motion-output-format", "afni"] if "--motion-output" in more else []
    assert sentence in fails(capsys, *given)
    assert sorted(tmp_path.iterdir()) == before


def files_of(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        (["-o", "scan.nii.gz"], "is an input and would be overwritten"),
        (["-o", "link/scan.nii.gz"], "is an input and would be overwritten"),
        (["-o", "a.nii.gz", "--phase-output", "scan.nii.gz"], "is an input"),
        (["-o", "a.nii", "--phase-output", "link/a.nii"], "overwrite each other"),
        (["-o", "a.nii.gz", "--reference-output", "a.nii"], "overwrite each other"),
        (["-o", "a.nii", "--reference-output", "r.txt"], "r.txt does not end in .nii"),
        (["-o", "a.nii", "--phase-output", "motion.par/p.nii"], "cannot be written"),
        (["-o", "bids.nii.gz"], "bids.json was not written by mcnet"),
    ],
)
def test_corrupt_refuses_its_outputs_before_it_reads(
    tmp_path, scan, trace, capsys, monkeypatch, outputs, sentence
):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "bids.json").write_text('{"RepetitionTime": 2.3}')
    monkeypatch.setattr(
        "mcnet.io.nifti.files.read_volume", lambda _: pytest.fail("the scan was read")
    )
    monkeypatch.chdir(tmp_path)
    before = files_of(tmp_path)
    assert sentence in fails(capsys, "corrupt", scan, "--motion", trace, *outputs)
    assert files_of(tmp_path) == before


def test_corrupt_writes_its_own_output_again(tmp_path, scan, trace):
    corrupt(scan, trace, tmp_path / "a.nii.gz")
    corrupt(scan, trace, tmp_path / "a.nii.gz", "--start", 2)
    assert json.loads((tmp_path / "a.json").read_text())["start"] == 2


def test_motion_measures_no_recording_of_nothing(tmp_path, trace, capsys):
    (tmp_path / "still.par").write_text("0 0 0 0 0 0\n" * 40)
    told = fails(capsys, "motion", *[trace] * 5, tmp_path / "still.par", "-o", tmp_path / "out")
    assert "still.par holds one and the same pose 40 times" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_motion_takes_the_format_of_its_files(tmp_path, trace, capsys):
    other = trace.rename(tmp_path / "motion.txt")
    given = ["motion", *[other] * 5, "-o", tmp_path / "out"]
    assert "--motion-format" in fails(capsys, *given)
    assert "give --motion-format fsl" in fails(capsys, *given, "--motion-format", "spm")
    run(*given, "--motion-format", "fsl")
    assert (tmp_path / "out" / "motion.png").is_file()


def test_a_small_matrix_needs_no_shots(tmp_path, scan, trace):
    base = ["corrupt", scan, "--motion", trace, "-o", tmp_path / "a.nii.gz", "--fov-mm", 192]
    run(*base, "--matrix", 3, "--order", "sequential")
    assert nib.load(tmp_path / "a.nii.gz").shape == (3, 3, 3)


def test_bad_scans_end_in_a_sentence(tmp_path, scan, trace, capsys):
    values = nib.load(scan).get_fdata(dtype=np.float32)
    with_nan = values.copy()
    with_nan[3, 4, 5] = np.nan
    flat = np.ones_like(values)
    for name, array, sentence in (
        ("nan", with_nan, "NaN"),
        ("flat", flat, "every voxel"),
        ("4d", np.stack([values, values], axis=-1), "4D|volumes|dimension"),
    ):
        nib.save(nib.Nifti1Image(array, AFFINE), tmp_path / f"{name}.nii.gz")
        message = fails(capsys, "compare", scan, tmp_path / f"{name}.nii.gz")
        assert any(word in message for word in sentence.split("|"))
    whole = scan.read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: len(whole) // 2])
    assert "cut.nii.gz" in fails(capsys, "compare", scan, tmp_path / "cut.nii.gz")
    (tmp_path / "text.nii.gz").write_text("no scan")
    assert "text.nii.gz" in fails(capsys, "compare", scan, tmp_path / "text.nii.gz")
    assert "does not exist" in fails(capsys, "compare", tmp_path / "none.nii.gz", scan)
    assert "no image to compare" in fails(capsys, "compare", scan)


def test_an_output_that_cannot_be_written_is_told(tmp_path, scan, trace, capsys):
    (tmp_path / "file").write_text("in the way")
    message = fails(
        capsys,
        "corrupt",
        scan,
        "--motion",
        trace,
        "-o",
        tmp_path / "file" / "out.nii.gz",
        "--matrix",
        32,
    )
    assert "cannot be written" in message


def test_scans_on_different_grids_are_not_compared(tmp_path, scan, trace, capsys):
    corrupt(scan, trace, tmp_path / "moved.nii.gz")
    assert "another grid" in fails(capsys, "compare", scan, tmp_path / "moved.nii.gz")


def test_a_bad_experiment_ends_in_a_sentence(tmp_path, capsys):
    (tmp_path / "e.toml").write_text('title = "t"\nepochs = 3\n')
    assert "epochs is no setting" in fails(
        capsys, "reproduce", tmp_path / "e.toml", "-o", tmp_path / "run"
    )
    assert not (tmp_path / "run").exists()


def ends_in(monkeypatch, capsys, error, command):
    """The sentence on which a command ends that raises an error."""

    def broken():
        raise error

    monkeypatch.setitem(COMMANDS, command, broken)
    return fails(capsys, command)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_ctrl_c_ends_in_a_sentence_that_is_true(monkeypatch, capsys, command):
    sentence = ends_in(monkeypatch, capsys, KeyboardInterrupt(), command)
    resumed = command in ("demo", "reproduce", "simulate", "train")
    assert ("same command again" in sentence) == resumed
    assert ("nothing was written" in sentence) != resumed


def test_what_the_system_refuses_ends_in_a_sentence(monkeypatch, capsys):
    error = PermissionError(13, "Permission denied", "scans/a.nii")
    sentence = ends_in(monkeypatch, capsys, error, "motion")
    assert sentence.startswith("mcnet: scans/a.nii cannot be read or written (permission denied);")
    assert "broken" in ends_in(monkeypatch, capsys, OSError("broken"), "motion")


def test_a_machine_without_enough_memory_is_told(monkeypatch, capsys):
    error = MemoryError("Unable to allocate 201. GiB for an array")
    sentence = ends_in(monkeypatch, capsys, error, "corrupt")
    assert "is too small for that (unable to allocate 201. GiB for an array); give" in sentence
    assert "is too small for that; give" in ends_in(monkeypatch, capsys, MemoryError(), "corrupt")


@pytest.mark.parametrize("module", EXTRA)
def test_a_missing_training_extra_is_told(monkeypatch, capsys, module):
    error = ModuleNotFoundError(f"No module named '{module}'", name=f"{module}.part")
    assert ends_in(monkeypatch, capsys, error, "motion") == (
        f"mcnet: {module} is not installed; mcnet motion needs the extra train: "
        "in a copy of mcnet's repository, give pip install '.[train]' -c constraints.txt."
    )


def test_a_missing_module_of_mcnet_itself_is_not_explained_away(monkeypatch, capsys):
    error = ModuleNotFoundError("No module named 'mcnet.lost'", name="mcnet.lost")
    with pytest.raises(ModuleNotFoundError):
        ends_in(monkeypatch, capsys, error, "motion")


def in_a_process(code, *arguments):
    """What a fresh Python says, in which nothing of mcnet is loaded yet."""
    given = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(given, capture_output=True, text=True, check=False)


WITHOUT_EXTRA = f"""
import sys

class Without:
    # a finder of modules that does not find those of the extra
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        absent = name.partition(".")[0] in {EXTRA}
        return None if absent else self.finder.find_spec(name, path, target)
    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = map(Without, sys.meta_path)
from mcnet.cli.main import main
scan, trace, moved, still = sys.argv[1:]
main(["corrupt", scan, "--motion", trace, "-o", moved, "--reference-output", still,
      "--matrix", "32", "--fov-mm", "192"])
main(["compare", still, moved, "--json"])
main(["motion", trace, "-o", moved])
"""


@pytest.mark.slow
def test_scans_are_corrupted_and_compared_without_the_training_extra(tmp_path, scan, trace):
    done = in_a_process(WITHOUT_EXTRA, scan, trace, tmp_path / "m.nii.gz", tmp_path / "s.nii.gz")
    assert done.returncode == 2, done.stderr
    assert json.loads(done.stdout)["images"][str(tmp_path / "m.nii.gz")]["ssim"] < 0.99
    assert done.stderr.endswith("give pip install '.[train]' -c constraints.txt.\n")


def test_help_loads_nothing_that_takes_long():
    code = "import sys; from mcnet.cli.main import main\ntry: main(['--help'])\n"
    code += "finally: print({*sys.modules} & {'numpy', 'scipy', 'nibabel', 'pandas', 'torch'})"
    assert in_a_process(code).stdout.endswith("set()\n")


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        run(command, "--help")
    assert ended.value.code == 0
    assert "usage: mcnet" in capsys.readouterr().out


def test_the_version_is_told(capsys):
    run("--version")
    assert capsys.readouterr().out.startswith("mcnet 0.")


def test_an_unknown_command_ends_with_status_two(capsys):
    assert "corect" in fails(capsys, "corect")


# A DICOM series in place of a NIfTI file.


@pytest.fixture
def series(tmp_path):
    """A small head as a DICOM series, oblique, its slices sagittal."""
    head = ellipsoid((33, 37, 35), (4, 4, 4), centre_mm=(4, 0, 0), radii_mm=(45, 55, 50))
    head = head * np.linspace(300, 900, 37, dtype=np.float32)[:, None]
    grid = Grid(((0.0, 0.96, 0.28), (0.0, 0.28, -0.96)), 4, 4, -4, (70, -90, 60))
    return Series(stored=head.astype(np.uint16), grid=grid).write(tmp_path / "series")


def test_a_dicom_series_is_corrupted_as_the_file_converted_from_it(tmp_path, series, trace):
    write_volume(tmp_path / "scan.nii", read_series(series).volume)
    for scan, name in ((series, "a.nii.gz"), (tmp_path / "scan.nii", "b.nii.gz")):
        corrupt(scan, trace, tmp_path / name, "--reference-output", tmp_path / f"still-{name}")
    for name in ("{}.nii.gz", "still-{}.nii.gz"):
        a, b = (nib.load(tmp_path / name.format(which)) for which in "ab")
        # the affine of a NIfTI file is rounded to single precision
        np.testing.assert_allclose(a.get_fdata(), b.get_fdata(), atol=1e-2)
        np.testing.assert_allclose(a.affine, b.affine, atol=1e-4)
        assert a.get_data_dtype() == np.float32
    about = json.loads((tmp_path / "a.json").read_text())["inputs_sha256"]
    assert set(about) == {"motion", *(f"scan/{path.name}" for path in series.iterdir())}


def test_a_dicom_series_is_compared(tmp_path, series, capsys):
    write_volume(tmp_path / "scan.nii", read_series(series).volume)
    run("compare", series, tmp_path / "scan.nii", series, "--json")
    images = json.loads(capsys.readouterr().out)["images"]
    assert [scores["nmse"] for scores in images.values()] == [0, 0]


def test_a_folder_without_dicom_ends_in_a_sentence(tmp_path, scan, trace, capsys):
    told = fails(capsys, "compare", scan, tmp_path)
    assert f"{tmp_path} holds no DICOM image; give the folder" in told
    (tmp_path / "empty").mkdir()
    given = ["--motion", trace, "-o", tmp_path / "m.nii.gz"]
    assert "holds no DICOM image" in fails(capsys, "corrupt", tmp_path / "empty", *given)
    assert not (tmp_path / "m.nii.gz").exists()


WITHOUT_PYDICOM = """
import sys
sys.modules["pydicom"] = None
from mcnet.cli.main import main
main(["compare", *sys.argv[1:], "--json"])
"""


@pytest.mark.slow
def test_without_pydicom_nifti_is_read_and_the_extra_is_told(scan, series):
    assert in_a_process(WITHOUT_PYDICOM, scan, scan).returncode == 0
    done = in_a_process(WITHOUT_PYDICOM, scan, series)
    assert done.returncode == 2
    assert done.stderr == (
        "mcnet: pydicom is not installed; mcnet compare needs the extra dicom: "
        "in a copy of mcnet's repository, give pip install '.[dicom]' -c constraints.txt.\n"
    )
