"""Every number of the paper that is a setting, by the names under which mcnet has it."""

import numpy as np
import pytest
import torch

from mcnet.datasets.pairs.design import PairsDesign
from mcnet.experiments.config import Experiment, MotionConfig, SubjectsConfig
from mcnet.experiments.gather import list_traces
from mcnet.motion.formats.files import motion_files, read_motion
from mcnet.motion.generators import paper_segments
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.physics.acquisition import Acquisition
from mcnet.training.losses import LossConfig, total_variation
from mcnet.training.recipes import RECIPES
from mcnet.training.training_config import TrainingConfig


def test_128_cubed_over_256_mm_with_one_pose_a_phase_encoding_line():
    scan = Acquisition()
    assert scan.matrix == (128, 128, 128)
    assert scan.fov_mm == (256, 256, 256)
    assert scan.n_lines == 128


def test_traces_have_128_points_within_2_mm_and_2_deg_times_8_and_rest_at_the_kspace_centre():
    scan = Acquisition()
    for trace in list_traces(MotionConfig(n_generated=4), scan, seed=1):
        assert trace.n_points == 128
        assert trace.scaled(1 / 8).is_within(translation_mm=2.0, rotation_deg=2.0)
        np.testing.assert_allclose(trace.poses[scan.centre_time], np.eye(4), atol=1e-12)


@pytest.mark.slow
def test_95_of_the_108_recorded_traces_serve(shared_data):
    """94 if FSL's numbers are read as the head's own motion; see docs/how-to/motion-files.md."""
    traces = [read_motion(path) for path in motion_files(shared_data / "motion")]
    assert len(traces) == 108
    assert len(paper_segments(traces)) == 95


def test_ten_slices_5_mm_apart_make_780_a_subject_and_mode_of_78_traces():
    design = PairsDesign()
    assert (design.n_slices, design.spacing_mm) == (10, 5)
    assert design.n_slices * 78 == 780
    assert design.modes == ("rotation", "rotation+translation")


def test_the_network_has_five_levels_and_the_loss_is_taken_of_the_residual():
    assert UNetConfig().levels == 5
    assert UNetConfig().fold == 1
    assert LossConfig().tv_target == "residual"


def test_alpha_and_beta_of_every_recipe_and_100_epochs():
    weights = {
        name: [(stage.alpha, stage.beta) for stage in stages] for name, stages in RECIPES.items()
    }
    assert weights == {
        "l1": [(1, 0)],
        "l1+tv": [(1, 1)],
        "l1+tv-ft": [(1, 0), (1, 1)],
        "l1-long": [(1, 0), (1, 0)],
    }
    assert TrainingConfig().epochs == 100


def test_equation_2_by_hand():
    image = torch.tensor([[0.0, 3.0], [4.0, 9.0]])[None, None]
    # the one pixel with both neighbours: (4 - 0)^2 + (3 - 0)^2 = 25
    assert total_variation(image, reduction="sum").item() == pytest.approx(25**1.25, rel=1e-5)


def test_the_defaults_of_an_experiment_are_the_papers_recipes_and_ours():
    experiment = Experiment(
        title="t", subjects=SubjectsConfig(n_template=3), motion=MotionConfig(n_generated=3)
    )
    assert set(experiment.recipes) == {"l1", "l1+tv", "l1+tv-ft", "l1-long", "mcnet"}
    assert experiment.motion.scale == 8
