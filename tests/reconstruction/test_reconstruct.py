"""From raw k-space to an image: with motion given or estimated; and what is refused."""

import pkgutil
import subprocess
import sys
from dataclasses import replace

import moving_head
import numpy as np
import pytest

import mcnet.reconstruction
from mcnet.core.errors import McnetError
from mcnet.correction.initial_image import network_image
from mcnet.correction.models import load_model
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import still
from mcnet.motion_estimation.coarse_to_fine import OF_VOLUMES, SearchSettings
from mcnet.physics.acquisition import Acquisition
from mcnet.reconstruction.options import ReconstructionOptions
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares


def by_network(raw):
    return network_image(root_sum_of_squares(raw), load_model("paper-2mm"))


@pytest.mark.slow
def test_estimated_motion_gives_a_better_image_than_the_one_it_starts_from():
    raw = moving_head.raw_scan(12.0)
    initial_image = by_network(raw)
    result = reconstruct(raw, motion=None, initial_image=initial_image)
    assert not result.motion_known
    assert result.initial_image is initial_image
    assert result.notes["initial_image"] == "the image of the network paper-2mm"
    assert result.accepted
    before, after = (
        moving_head.ssim(raw.planes_of(one.values)) for one in (initial_image, result.image)
    )
    assert after > before + 0.01
    assert result.motion.n_points == raw.n_lines
    assert result.motion_deviation is not None


@pytest.mark.slow
def test_where_the_motion_is_rejected_the_result_is_the_initial_image():
    raw = moving_head.raw_scan(60.0)
    hasty = ReconstructionOptions(search=SearchSettings(n_steps=(1, 0, 0), polish=()))
    initial_image = by_network(raw)
    result = reconstruct(raw, motion=None, initial_image=initial_image, options=hasty)
    assert not result.accepted
    np.testing.assert_array_equal(result.image.values, initial_image.values)
    assert result.image.name == raw.name
    assert result.data_consistency.endswith(
        "the result is the image of the network paper-2mm instead."
    )


def test_an_initial_image_on_another_grid_is_refused():
    raw = moving_head.raw_scan(4.0)
    image = root_sum_of_squares(raw)
    cut = replace(image, values=image.values[:, :-1])
    shifted = replace(image, affine=image.affine + np.eye(4, k=3))
    for other in (cut, shifted):
        with pytest.raises(McnetError, match="initial image .* lies on another grid"):
            reconstruct(raw, motion=None, initial_image=other)


def test_reconstruction_never_imports_torch():
    names = [one.name for one in pkgutil.iter_modules(mcnet.reconstruction.__path__)]
    assert "motion_search" in names
    imports = "; ".join(f"import mcnet.reconstruction.{name}" for name in names)
    check = f"{imports}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.slow
def test_six_degrees_of_freedom_are_corrected_in_a_volume():
    lines = Acquisition((32, 36, 34), (256.0, 256.0, 256.0))
    motion = generate_motion(36, np.random.default_rng(4)).scaled(12.0)
    scan = moving_head.subject()
    raw = simulate_raw(scan, motion, lines, RawOptions())
    quiet = simulate_raw(scan, still(36), lines, RawOptions())
    result = reconstruct(raw, motion=motion)
    reference = reconstruct(quiet, motion=still(36)).image.values
    errors = [np.linalg.norm(one.values - reference) for one in (result.corrupted, result.image)]
    assert result.notes["motion_model"] == "six-dof"
    assert errors[1] < 0.35 * errors[0]


@pytest.mark.slow
def test_motion_of_a_3d_scan_is_estimated_with_six_degrees_of_freedom():
    raw = moving_head.raw_volume(60.0)
    short = replace(OF_VOLUMES, n_steps=(4, 3, 2, 2, 2, 2, 2, 2, 1), n_polish_steps=1)
    result = reconstruct(raw, motion=None, options=ReconstructionOptions(search=short))
    assert result.notes["motion_model"] == "six-dof"
    assert result.motion.n_points == raw.n_lines
    assert np.all(result.motion.translation_mm.std(axis=0) > 0)
    assert np.all(result.motion.rotation_deg.std(axis=0) > 0)
    assert result.motion_deviation is not None
    assert np.all(result.motion_deviation.rotation_deg > 0)
    assert result.image.values.shape == raw.matrix
    left = reconstruct(raw, motion=still(raw.n_lines)).line_residual
    quarter = raw.n_lines // 4
    central = slice(quarter, raw.n_lines - quarter)
    assert result.line_residual[central].mean() < 0.5 * left[central].mean()


def test_a_trace_of_another_length_is_refused():
    raw = moving_head.raw_scan(4.0)
    with pytest.raises(McnetError, match=r"has 95 poses.*96 phase-encoding lines.*resample"):
        reconstruct(raw, motion=still(95))


def test_motion_that_no_head_makes_is_refused():
    raw = moving_head.raw_scan(4.0)
    with pytest.raises(McnetError, match="rotates by 30 degrees and moves by 50 mm at most"):
        reconstruct(raw, motion=moving_head.motion(4.0).scaled(100.0))


def test_motion_out_of_the_slices_of_a_2d_scan_is_refused():
    raw = moving_head.raw_scan(4.0)
    motion = generate_motion(raw.n_lines, np.random.default_rng(1))
    with pytest.raises(McnetError, match="out of the"):
        reconstruct(raw, motion=motion)
