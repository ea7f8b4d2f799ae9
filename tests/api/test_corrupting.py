import json

import nibabel as nib
import numpy as np
import pytest
from properties import ellipsoid

import mcnet
from mcnet.cli.main import main
from mcnet.core.errors import BadOptionError, McnetError, OutputError
from mcnet.datasets.raw_simulation import RawOptions

SMALL = mcnet.Acquisition((20, 24, 22), (200.0, 240.0, 220.0), "z", "interleaved", 2)


@pytest.fixture
def scan(tmp_path):
    head = ellipsoid((21, 25, 23), (8, 8, 8), centre_mm=(3, 0, 0), radii_mm=(60, 80, 70))
    image = nib.Nifti1Image((head * 900).astype(np.int16), np.diag([-8.0, 8, 8, 1]))
    nib.save(image, tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


@pytest.fixture
def motion(tmp_path):
    trace = mcnet.generate_motion(30, 3)
    mcnet.write_motion(tmp_path / "rest.par", trace, "fsl")
    return tmp_path / "rest.par"


def test_a_call_and_the_command_write_the_same(tmp_path, scan, motion, capsys):
    words = ["--matrix", "20", "24", "22", "--fov-mm", "200", "240", "220"]
    words += ["--phase-encoding-axis", "z", "--order", "interleaved", "--n-shots", "2"]
    words += ["--scale", "2", "--start", "4", "--mode", "rotation+translation"]
    names = {"reference": "still", "phase": "phase"}
    for option, name in names.items():
        words += [f"--{option}-output", str(tmp_path / f"cli-{name}.nii")]
    words += ["--motion-output", str(tmp_path / "cli-used.csv")]
    out = str(tmp_path / "cli.nii")
    main(["corrupt", str(scan), "--motion", str(motion), "-o", out, *words])
    told = capsys.readouterr().err
    moved = mcnet.corrupt(
        str(scan), motion, scale=2.0, start=4, mode="rotation+translation", acquisition=SMALL
    )
    assert capsys.readouterr() == ("", "")
    assert all(sentence in told for sentence in moved.remarks)
    moved.save(
        tmp_path / "api.nii",
        **{option: tmp_path / f"api-{name}.nii" for option, name in names.items()},
        motion=tmp_path / "api-used.csv",
    )
    for name in (".nii", "-still.nii", "-phase.nii", "-used.csv"):
        cli, api = (tmp_path / f"{who}{name}" for who in ("cli", "api"))
        assert cli.read_bytes() == api.read_bytes(), name
    one, other = (json.loads((tmp_path / f"{who}.json").read_text()) for who in ("cli", "api"))
    assert other["command"] == "mcnet.corrupt()" or other["command"].startswith("mcnet.Corrupted")
    for record in (one, other):
        del record["command"], record["files_sha256"]
    assert one == other


def test_objects_are_corrupted_as_their_files(scan, motion):
    by_path = mcnet.corrupt(scan, motion, acquisition=SMALL)
    image, trace = nib.load(scan), mcnet.read_motion(motion)
    for one in (image, mcnet.read_scan(scan)):
        found = mcnet.corrupt(one, trace, acquisition=SMALL)
        assert np.array_equal(found.volume.values, by_path.volume.values)
        assert np.array_equal(found.reference.values, by_path.reference.values)
        assert found.motion.n_points == SMALL.n_lines
    assert by_path.volume.values.shape == SMALL.matrix
    assert "motion of standard deviation" in repr(by_path)


def test_images_in_memory_are_written_like_themselves(tmp_path, scan, motion):
    moved = mcnet.corrupt(nib.load(scan), motion, acquisition=SMALL)
    moved.save(tmp_path / "moved.nii")
    written = nib.load(tmp_path / "moved.nii")
    assert written.get_data_dtype() == np.int16
    assert nib.aff2axcodes(written.affine) == ("L", "A", "S")
    with pytest.raises(OutputError):
        mcnet.corrupt(scan, motion, acquisition=SMALL).save(scan)


def test_the_raw_data_are_of_the_same_motion(scan, motion):
    options = RawOptions(n_coils=2, snr=20.0, seed=5)
    moved = mcnet.corrupt(scan, motion, acquisition=SMALL, raw=options)
    assert moved.kspace().kspace.shape == (2, *SMALL.matrix)
    with pytest.raises(McnetError, match="raw slices do not fit"):
        mcnet.corrupt(scan, motion, acquisition=SMALL, raw=RawOptions(n_slices=99))


def test_a_known_motion_gives_the_head_back(scan, motion):
    moved = mcnet.corrupt(scan, motion, scale=16.0, mode="rotation+translation", acquisition=SMALL)
    still = mcnet.reconstruct(moved.kspace(), moved.motion)
    before = mcnet.compare(moved.reference, moved.volume)
    after = mcnet.compare(moved.reference, still.image)
    assert after["ssim"] > before["ssim"]
    assert after["nmse"] < before["nmse"] / 2
    assert still.accepted
    assert still.motion is moved.motion
    assert still.line_residual.shape == (SMALL.n_lines,)


def test_options_of_a_reconstruction_that_contradict_one_another_are_refused(scan, motion):
    raw = mcnet.corrupt(scan, motion, acquisition=SMALL).kspace()
    for options in ({"preview": True}, {"start": 2}, {"resample": True}):
        with pytest.raises(BadOptionError, match="give the motion"):
            mcnet.reconstruct(raw, **options)
    with pytest.raises(BadOptionError, match="leave it out"):
        mcnet.reconstruct(raw, motion, model="t1w-1mm")


def test_a_reconstruction_is_written_with_its_provenance(tmp_path, scan, motion):
    moved = mcnet.corrupt(scan, motion, acquisition=SMALL)
    still = mcnet.reconstruct(moved.kspace(), moved.motion, preview=True)
    still.save(tmp_path / "still.nii.gz", motion=tmp_path / "used.csv")
    record = json.loads((tmp_path / "still.json").read_text())
    assert record["command"].startswith("mcnet.")
    assert set(record["inputs_sha256"]) == {"raw", "motion"}
    assert record["accepted"] == still.accepted
    assert np.allclose(mcnet.read_motion(tmp_path / "used.csv").poses, moved.motion.poses)


def test_scores_are_those_of_the_command(tmp_path, scan, motion, capsys):
    mcnet.corrupt(scan, motion, scale=2.0, acquisition=SMALL).save(
        tmp_path / "moved.nii", reference=tmp_path / "still.nii"
    )
    still, moved = tmp_path / "still.nii", tmp_path / "moved.nii"
    scores = mcnet.compare(still, moved)
    main(["compare", str(still), str(moved), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert told["images"][str(moved)] == dict(scores)
    assert told["definition"] == scores.definition
    assert "<th>ssim_head</th>" in scores._repr_html_()


def test_a_notebook_shows_still_and_moved_head_and_their_difference(scan, motion):
    moved = mcnet.corrupt(scan, motion, scale=2.0, acquisition=SMALL)
    shown = moved._repr_html_()
    named = ("motion-free", "corrupted", "difference")
    assert [shown.count(f">{name}<") for name in named] == [3, 3, 3]
    found = mcnet.reconstruct(moved.kspace(), moved.motion, preview=True)._repr_html_()
    named = ("as scanned", "reconstructed", "difference")
    assert [found.count(f">{name}<") for name in named] == [3, 3, 3]
