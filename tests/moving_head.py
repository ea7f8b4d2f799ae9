"""The built-in head, scanned in a few slices while it moves: what reconstruction is tested on."""

from functools import cache

import numpy as np

from mcnet.datasets.masks import head_mask
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.datasets.subjects import template_subjects
from mcnet.evaluation.baselines import register_rigidly
from mcnet.metrics.similarity import ssim_whole_and_inside
from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.simulator import image_at_rest

N_LINES, N_SLICES = 96, 6
LINES = Acquisition((32, N_LINES, N_LINES), (256.0, 256.0, 256.0))


@cache
def subject():
    return template_subjects(1, seed=3)[0].load()


def motion(factor, seed=5):
    trace = generate_motion(N_LINES, np.random.default_rng(seed)).at_rest_when(LINES.centre_time)
    return trace.restricted_to("rotation+translation").scaled(factor)


@cache
def raw_scan(factor=4.0, n_coils=1, snr=None, phase=False):
    """K-space of the moving head."""
    options = RawOptions(n_coils, snr, phase, N_SLICES, seed=2)
    return simulate_raw(subject(), motion(factor), LINES, options)


VOLUME = Acquisition((26, 40, 30), (200.0, 240.0, 220.0))


def motion_in_space(factor, seed=5):
    """Six degrees of freedom, one pose a line of `VOLUME`."""
    trace = generate_motion(VOLUME.n_lines, np.random.default_rng(seed))
    return trace.at_rest_when(VOLUME.centre_time).scaled(factor)


@cache
def raw_volume(factor=4.0, n_coils=1):
    """K-space of a coarse 3D scan of the head that moves in space."""
    options = RawOptions(n_coils, None, n_coils > 1, seed=2)
    return simulate_raw(subject(), motion_in_space(factor), VOLUME, options)


@cache
def reference():
    """The still head in the same slices, and where it is."""
    places = LINES.axis_positions_mm("x")[16 - N_SLICES // 2 :][:N_SLICES]
    scan = subject()
    image = image_at_rest(scan.values, scan.voxel_size_mm, LINES, positions_mm=places)
    return np.abs(image).astype(np.float32), head_mask(np.abs(image))


def ssim(images):
    """SSIM inside the head after registration, mean over slices."""
    still, heads = reference()
    scale = np.percentile(still, 99.9)
    scores = [
        ssim_whole_and_inside(
            one / scale,
            register_rigidly(one / scale, np.abs(image) / scale),
            data_range=1.0,
            mask=head,
        )[1]
        for one, image, head in zip(still, images, heads, strict=True)
    ]
    return float(np.mean(scores))
