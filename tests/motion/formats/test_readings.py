"""Motion files given as another program's: refused, and what they are named."""

from pathlib import Path

import numpy as np
import pytest

from mcnet.core.errors import McnetError
from mcnet.motion.formats.files import motion_files, read_motion, write_motion
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import MotionTrace

NAMES: dict[str, str] = {
    "fsl": "head.par",
    "spm": "rp_head.txt",
    "afni": "head.1D",
    "aff12": "head.aff12.1D",
    "fmriprep": "head.tsv",
    "csv": "head.csv",
}


def recording(rng: np.random.Generator) -> MotionTrace:
    """Rotations of 0.8 degrees and translations of 1.2 mm, as of a head that nods."""
    values = generate_motion(30, rng)
    return MotionTrace(
        1.2 * values.translation_mm / np.abs(values.translation_mm).max(),
        0.8 * values.rotation_deg / np.abs(values.rotation_deg).max(),
    )


def refusal(path: Path, motion_format: str) -> str:
    with pytest.raises(McnetError) as refused:
        read_motion(path, motion_format)
    sentence = str(refused.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    ("true", "given"),
    [("fsl", "spm"), ("spm", "fsl"), ("fsl", "afni"), ("afni", "fsl"), ("spm", "afni")],
)
def test_a_file_given_as_another_programs_is_refused_and_its_own_named(
    tmp_path: Path, rng: np.random.Generator, true: str, given: str
) -> None:
    path = tmp_path / NAMES[true]
    write_motion(path, recording(rng), true)
    told = refusal(path, given)
    assert f"read as {given}, has rotations of up to" in told
    assert f"read as {true} it has rotations of up to 0.8" in told
    assert (
        "translations of up to 1.2 mm: give" in told
        or "translations of up to 1.199 mm: give" in told
    )
    assert f"give --motion-format {true}" in told


def test_degrees_read_as_radians_are_told_with_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "head.par"
    path.write_text("0 0 0 0 0 0\n0.9 0 0 0.5 1.2 0\n")
    told = refusal(path, "fsl")
    assert (
        "read as fsl, has rotations of up to 51.57 degrees and translations of up to 1.2 mm" in told
    )
    assert "with rotations in degrees it has rotations of up to 0.9 degrees" in told


@pytest.mark.parametrize("motion_format", [name for name in NAMES if name != "aff12"])
def test_angles_in_the_other_unit_are_refused(
    tmp_path: Path, rng: np.random.Generator, motion_format: str
) -> None:
    path, trace = tmp_path / NAMES[motion_format], recording(rng)
    radians = motion_format not in ("afni", "csv")
    factor = 180 / np.pi if radians else np.pi / 180
    wrong = MotionTrace(trace.translation_mm, trace.rotation_deg * factor)
    write_motion(path, wrong, motion_format)
    told = refusal(path, motion_format)
    unit = "degrees to radians" if radians else "radians to degrees"
    assert f"convert {unit}, as {motion_format} has them" in told


@pytest.mark.parametrize("motion_format", NAMES)
def test_translations_in_metres_are_refused(
    tmp_path: Path, rng: np.random.Generator, motion_format: str
) -> None:
    path, trace = tmp_path / NAMES[motion_format], recording(rng)
    write_motion(path, MotionTrace(trace.translation_mm / 1000, trace.rotation_deg), motion_format)
    assert "with translations in metres it has" in refusal(path, motion_format)


@pytest.mark.parametrize("motion_format", NAMES)
def test_motion_of_one_kind_alone_is_no_matter_of_units(
    tmp_path: Path, rng: np.random.Generator, motion_format: str
) -> None:
    trace = recording(rng)
    none = np.zeros_like(trace.translation_mm)
    path = tmp_path / NAMES[motion_format]
    for each in (MotionTrace(none, trace.rotation_deg), MotionTrace(trace.translation_mm, none)):
        write_motion(path, each.restricted_to("rotation+translation"), motion_format)
        again = read_motion(path)
        assert np.abs(again.rotation_deg - each.rotation_deg)[:, 0].max() < 1e-9


@pytest.mark.parametrize("factor", [1.0, 8.0])
@pytest.mark.parametrize("mode", ["six-dof", "rotation+translation"])
def test_generated_motion_by_the_papers_recipe_is_never_refused(
    tmp_path: Path, rng: np.random.Generator, factor: float, mode: str
) -> None:
    path = tmp_path / "head.par"
    for _ in range(20):
        trace = generate_motion(40, rng).restricted_to(mode)
        if trace.is_within(translation_mm=2.0, rotation_deg=2.0):
            write_motion(path, trace.scaled(factor), "fsl")
            assert read_motion(path).n_points == 40


@pytest.mark.slow
def test_of_real_fsl_files_every_one_is_told_when_given_as_another_programs(
    shared_data: Path,
) -> None:
    paths = motion_files(shared_data / "motion")
    assert len(paths) == 108
    for path in paths:
        for given in ("spm", "afni"):
            assert "give --motion-format fsl" in refusal(path, given)
    for path in [*paths, *motion_files(shared_data / "motion-open")]:
        assert read_motion(path).n_points > 1
