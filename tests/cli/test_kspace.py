"""`mcnet reconstruct` as a user meets it: raw data and motion in, image, motion and page out."""

import json

import moving_head
import nibabel as nib
import numpy as np
import pytest
from fresh_process import in_a_fresh_process

from mcnet.cli.main import main
from mcnet.core.extras import EXTRAS
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.io.mrd.reading import read_raw
from mcnet.io.mrd.writing import write_raw
from mcnet.motion.formats.files import read_motion, write_motion
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import MotionTrace
from mcnet.motion_estimation.coarse_to_fine import SearchSettings
from mcnet.physics.acquisition import Acquisition
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.reconstruct import reconstruct


def run(*arguments):
    main([str(argument) for argument in arguments])


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err.strip()
    assert "Traceback" not in message
    return message


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "moved.h5"
    write_raw(path, moving_head.raw_scan(12.0))
    return path


@pytest.fixture
def motion(tmp_path):
    path = tmp_path / "motion.par"
    write_motion(path, moving_head.motion(12.0), "fsl")
    return path


@pytest.mark.slow
def test_with_motion_the_image_is_that_of_the_still_head(raw, motion, tmp_path):
    out, page = tmp_path / "still.nii.gz", tmp_path / "page.html"
    run("reconstruct", raw, "--motion", motion, "-o", out, "--report", page)
    image, scan = nib.load(out), read_raw(raw)
    np.testing.assert_allclose(image.affine, scan.affine, atol=1e-4)
    found = scan.planes_of(np.asarray(image.dataobj, np.float32))
    assert moving_head.ssim(found) > 0.98
    record = json.loads((tmp_path / "still.json").read_text())
    assert record["motion"] == "given"
    assert record["accepted"] is True
    assert "xyz"["ijk".index(record["PhaseEncodingDirection"])] == scan.line_axis
    assert set(record["inputs_sha256"]) == {"raw", "motion"}
    assert len(record["line_residual"]) == scan.n_lines
    assert "data:image/png" in page.read_text()


@pytest.mark.slow
def test_without_motion_it_is_estimated_and_written(raw, tmp_path, capsys):
    out, found = tmp_path / "still.nii.gz", tmp_path / "found.par"
    options = ["--motion-output", found, "--motion-output-format", "fsl"]
    run("reconstruct", raw, "-o", out, *options)
    about = json.loads((tmp_path / "still.json").read_text())
    assert set(about["inputs_sha256"]) == {"raw", "model"}
    assert (about["motion"], about["model"]) == ("estimated", "paper-2mm")
    assert about["initial_image"] == "the image of the network paper-2mm"
    assert "The estimated motion explains" in about["data_consistency"]
    trace = read_motion(found)
    assert trace.n_points == moving_head.N_LINES
    true = moving_head.motion(12.0)
    central = slice(24, 72)
    apart = (trace.rotation_deg - true.rotation_deg)[central, 0]
    assert np.std(apart) < 0.3
    assert "explains the k-space" in " ".join(capsys.readouterr().err.split())


def test_what_does_not_go_together_is_refused_before_any_work(raw, motion, tmp_path, capsys):
    out = tmp_path / "still.nii.gz"
    assert "--preview" in fails(capsys, "reconstruct", raw, "-o", out, "--preview")
    both = ["--motion", motion, "--model", "paper-2mm"]
    assert "--model" in fails(capsys, "reconstruct", raw, "-o", out, *both)
    assert not out.exists()


@pytest.mark.slow
def test_a_longer_trace_is_cut_as_corrupt_cuts_it_and_told(raw, tmp_path, capsys):
    true = moving_head.motion(12.0)
    padding = np.zeros((3, 3))
    longer = MotionTrace(
        np.vstack([padding, true.translation_mm, padding + 1]),
        np.vstack([padding, true.rotation_deg, padding]),
    )
    write_motion(tmp_path / "long.par", longer, "fsl")
    used = ["--motion-output", tmp_path / "used.csv"]
    given = ["--motion", tmp_path / "long.par", "-o", tmp_path / "a.nii.gz", "--preview", *used]
    run("reconstruct", raw, *given, "--start", 3)
    told = " ".join(capsys.readouterr().err.split())
    assert "long.par: 96 of its 102 poses, from point 3 on, were used" in told
    found = read_motion(tmp_path / "used.csv")
    np.testing.assert_allclose(found.translation_mm, true.translation_mm, atol=1e-6)
    np.testing.assert_allclose(found.rotation_deg, true.rotation_deg, atol=1e-6)


@pytest.mark.slow
def test_a_short_trace_spans_the_scan_on_request(raw, tmp_path, capsys):
    write_motion(tmp_path / "short.par", moving_head.motion(12.0).resampled(40), "fsl")
    given = ["--motion", tmp_path / "short.par", "-o", tmp_path / "a.nii.gz", "--preview"]
    run("reconstruct", raw, *given, "--resample", "--motion-output", tmp_path / "used.csv")
    assert "its 40 poses were resampled to 96 lines" in capsys.readouterr().err
    assert read_motion(tmp_path / "used.csv").n_points == 96


def test_start_and_resample_are_of_motion_that_is_given(raw, tmp_path, capsys):
    for more in (["--start", 2], ["--resample"]):
        message = fails(capsys, "reconstruct", raw, "-o", tmp_path / "a.nii.gz", *more)
        assert "--start and --resample are of motion that is known" in message


def test_motion_that_no_head_makes_is_refused(raw, motion, tmp_path, capsys):
    out = tmp_path / "still.nii.gz"
    message = fails(
        capsys, "reconstruct", raw, "--motion", motion, "-o", out, "--motion-format", "spm"
    )
    assert "give --motion-format fsl" in message
    assert not out.exists()


def test_a_trace_of_another_length_ends_in_a_sentence_and_writes_nothing(raw, tmp_path, capsys):
    short, out = tmp_path / "short.par", tmp_path / "still.nii.gz"
    write_motion(short, moving_head.motion(12.0).segment(0, 90), "fsl")
    message = fails(capsys, "reconstruct", raw, "--motion", short, "-o", out)
    assert "90 poses" in message
    assert "96" in message
    assert not out.exists()


def test_a_file_that_is_cut_off_ends_in_a_sentence(raw, motion, tmp_path, capsys):
    raw.write_bytes(raw.read_bytes()[:2000])
    out = tmp_path / "still.nii.gz"
    message = fails(capsys, "reconstruct", raw, "--motion", motion, "-o", out)
    assert "moved.h5" in message
    assert not out.exists()


@pytest.mark.slow
def test_the_extra_raw_alone_reconstructs_with_motion_and_estimates_it(tmp_path, rng):
    lines = Acquisition((32, 32, 32), (256.0, 256.0, 256.0))
    moves = generate_motion(32, rng).restricted_to("rotation+translation").scaled(4.0)
    raw, trace = tmp_path / "moved.h5", tmp_path / "motion.csv"
    write_raw(raw, simulate_raw(moving_head.subject(), moves, lines, RawOptions(n_slices=2)))
    write_motion(trace, moves, "csv")
    given = ["reconstruct", raw, "-o", tmp_path / "given.nii.gz", "--motion", trace]
    estimated = ["reconstruct", raw, "-o", tmp_path / "found.nii.gz", "--model", "none"]
    others = [extra for extra in EXTRAS if extra != "raw"]
    told = in_a_fresh_process(given, estimated, [*estimated[:-1], "t1w-1mm"], absent=others)
    assert [status for status, *_ in told] == [0, 0, 2], told[0][1]
    assert "needs the extra train" in told[2][1]
    for name, how in (("given", "given"), ("found", "estimated")):
        record = json.loads((tmp_path / f"{name}.json").read_text())
        assert record["motion"] == how
        assert record.get("model") is None
        assert np.asarray(nib.load(tmp_path / f"{name}.nii.gz").dataobj).std() > 0


@pytest.mark.slow
def test_rejected_motion_without_a_network_gives_the_scan_as_it_is():
    raw = moving_head.raw_scan(60.0)
    hasty = ReconstructionOptions(search=SearchSettings(n_steps=(1, 0, 0), polish=()))
    result = reconstruct(raw, motion=None, options=hasty)
    assert not result.accepted
    assert result.initial_image is None
    np.testing.assert_array_equal(result.image.values, result.corrupted.values)
    assert result.data_consistency.endswith("the result is the scan as it is instead.")
