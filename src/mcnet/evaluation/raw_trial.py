"""Reconstruction from raw k-space on trial: subjects and recorded motion that nothing was tuned on.

Each subject is scanned, in slices or as a volume, while moving by each trace at each factor. What a
user would get is compared: the scanner's image, the network's, the reconstruction with estimated
motion, and the one with the true motion. The rows are those of `mcnet.evaluation.rows`, one
data set ("mode") a factor. Volumes are registered to the reference in space before slices of them
are scored.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Complex64

from mcnet import __version__
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import sha256_of_json
from mcnet.correction.initial_image import network_image
from mcnet.correction.models import Model
from mcnet.datasets.masks import head_mask
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.datasets.subjects import Subject
from mcnet.evaluation.baselines import register_volume_rigidly
from mcnet.evaluation.held_out import check_held_out
from mcnet.evaluation.pose_error import pose_error
from mcnet.evaluation.raw_trial_design import RawTrialDesign
from mcnet.evaluation.raw_trial_results import RawTrial, joined, kept
from mcnet.evaluation.rows import evaluate
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.motion.trace import MotionTrace
from mcnet.physics.fourier import centred_fft
from mcnet.physics.simulator import image_at_rest
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares

LABELS: tuple[str, ...] = ("network", "reconstructed", "known motion")
"""Of the images that are compared, beside the baselines."""


def try_reconstruction(
    subjects: Sequence[Subject],
    traces: Sequence[MotionTrace],
    model: Model,
    design: RawTrialDesign,
    *,
    unfinished: Path | None = None,
    on_progress: OnProgress | None = None,
) -> RawTrial:
    """Rows of all subjects, traces and factors.

    Parameters
    ----------
    subjects, traces, model, design
        What is tried, and on which subjects.
    unfinished
        Folder where scans that are done are kept, and found again.
    on_progress
        Called with the number of scans done, and of all.

    Raises
    ------
    McnetError
        A subject is one that the network was trained on, or a scan cannot be read.
    """
    check_held_out(subjects, model)
    of_scans: list[RawTrial] = []
    total = len(subjects) * len(traces) * len(design.factors)
    for subject in subjects:
        volume = subject.load()
        for trace, factor in product(traces, design.factors):
            of_scan = partial(_scanned, subject, volume, trace, factor, model, design)
            key = _key_of(subject, trace, factor, model, design)
            of_scans.append(kept(unfinished, key, design.seed, of_scan))
            if on_progress:
                on_progress(len(of_scans), total)
    return joined(of_scans)


def _key_of(
    subject: Subject, trace: MotionTrace, factor: float, model: Model, design: RawTrialDesign
) -> str:
    """Digest of everything that determines a scan's result."""
    poses = np.concatenate([trace.translation_mm, trace.rotation_deg], axis=1)
    asked = replace(design, factors=(factor,))
    return sha256_of_json(
        {
            "version": __version__,
            "subject": [subject.name, subject.fingerprint],
            "trace": [trace.name, poses.tolist()],
            "model": model.sha256,
            "design": asdict(asked),
        }
    )


def _scanned(
    subject: Subject,
    volume: Volume,
    trace: MotionTrace,
    factor: float,
    model: Model,
    design: RawTrialDesign,
) -> RawTrial:
    acquisition, motion = design.acquisition, design.motion_of(trace, factor)
    n_slices = None if design.in_space else design.n_slices
    options = RawOptions(design.n_coils, design.snr, design.phase, n_slices, design.seed)
    raw = simulate_raw(volume, motion, acquisition, options)
    if design.magnitude:
        raw = replace(raw, kspace=_of_magnitude(raw))
    initial_image = network_image(root_sum_of_squares(raw), model)
    found = reconstruct(raw, motion=None, initial_image=initial_image)
    known = reconstruct(raw, motion=motion)
    places, chosen = design.positions_mm, design.scored
    reference = np.abs(
        image_at_rest(volume.values, volume.voxel_size_mm, acquisition, positions_mm=places)
    )
    scale = np.float32(intensity_scale(reference))
    key = {"subject": subject.name, "trace": trace.name, "mode": f"factor {factor:g}"}
    compared = (found.corrupted, initial_image, found.image, known.image)
    images = [one.values / scale for one in compared]
    if design.in_space:
        images = [register_volume_rigidly(reference / scale, image) for image in images]
    corrupted, *others = (image[chosen] for image in images)
    pairs = ImagePairs(
        corrupted=corrupted,
        references=(reference / scale)[chosen].astype(np.float32),
        heads=head_mask(reference)[chosen],
        reference_index=np.arange(len(chosen), dtype=np.int64),
        input_scale=np.ones(len(chosen), np.float32),
        table=pd.DataFrame(
            {"position_mm": places[chosen]}
            | {name: [value] * len(chosen) for name, value in key.items()}
            | {"magnitude": motion.magnitude}
        ),
    )
    rows = evaluate(pairs, dict(zip(LABELS, others, strict=True)))
    scan = {**key, **pose_error(raw, found.motion, motion), "accepted": found.accepted}
    middle = len(chosen) // 2
    example = (pairs.references[middle], *(image[chosen][middle] for image in images))
    return RawTrial(rows, pd.DataFrame([scan]), {key["mode"]: example})


def _of_magnitude(raw: RawScan) -> Complex64[np.ndarray, "1 n_x n_y n_z"]:
    """The Fourier transform of the magnitude image, as if it were k-space."""
    axes = [1 + axis for axis in raw.encoded_axes]
    return centred_fft(root_sum_of_squares(raw).values[None], axes).astype(np.complex64)
