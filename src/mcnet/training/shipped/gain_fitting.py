"""The gain of a model's card, fitted on subjects whom the network was not trained on."""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mcnet.core.progress import OnProgress
from mcnet.correction.gain import GAINS, fitted_gain
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.scan import SeverityEstimator, correct_scan
from mcnet.correction.slices import ready_network
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.varied.scans import VariedScans
from mcnet.io.volume import Volume
from mcnet.networks.base import ImageNetwork
from mcnet.networks.gain_curve import GainCurve
from mcnet.training.batches import PairBatches
from mcnet.training.losses import dissimilarity_in_head

_N_EPOCHS = 3
_N_SPREAD = 6
"""Slices of each scan."""
_N_AT_ONCE = 8
"""Slices that are corrected together."""


def gain_after_search(
    network: ImageNetwork, pairs: ImagePairs, on_progress: OnProgress
) -> GainCurve:
    """How much of a network's correction serves best after a search, by what is known then.

    That is the motion found or estimated by the severity estimator, whichever is more. Slices in
    which nothing was undone although motion was found are left out.
    """
    none = np.zeros(len(pairs), bool)
    as_used = none if pairs.undone is None else pairs.undone.any(axis=(1, 2))
    as_used = as_used | (pairs.table["found_mm"] == 0).to_numpy()
    pairs = pairs.chosen(np.flatnonzero(as_used))
    ready, losses = ready_network(network, "cpu"), []
    with torch.inference_mode():
        for batch in PairBatches(pairs, _N_AT_ONCE):
            before, scale = batch.corrupted[:, :1], batch.input_scale
            change = ready(batch.corrupted) - before
            on_scale = (before * scale, change * scale, batch.reference * scale, batch.head)
            losses += [
                _loss_by_gain(*(one[row : row + 1] for one in on_scale))
                for row in range(len(before))
            ]
            on_progress(len(losses), len(pairs))
    known_mm = pairs.table[["found_mm", "seen_mm"]].max(axis=1).to_numpy()
    return fitted_gain(known_mm, np.array(losses))


def gain_alone(
    model: Model,
    validation: VariedScans,
    severity_estimator: SeverityEstimator,
    on_progress: OnProgress,
) -> GainCurve:
    """How much of the correction of a network alone serves best, by the severity estimate."""
    scans = replace(validation, seed=validation.seed + 1)
    options = CorrectionOptions(force=True, search=False)
    total = _N_EPOCHS * scans.n_scans
    severities, losses = [], []
    for number in range(total):
        scan = scans.scan(*divmod(number, scans.n_scans), n_spread=_N_SPREAD)
        volume = Volume(scan.corrupted, np.diag([1.0, *scan.pixel_mm, 1.0]), "scan")
        result = correct_scan(volume, model, severity_estimator=severity_estimator, options=options)
        severities.append(result.assessment_before.severity.mm)
        change = result.after.values - scan.corrupted
        images = (scan.corrupted, change, scan.references, scan.heads)
        losses.append(_loss_by_gain(*(torch.from_numpy(one)[:, None] for one in images)))
        on_progress(number + 1, total)
    return fitted_gain(severities, np.array(losses))


def _loss_by_gain(
    images: Float[Tensor, "n 1 rows columns"],
    change: Float[Tensor, "n 1 rows columns"],
    references: Float[Tensor, "n 1 rows columns"],
    heads: Bool[Tensor, "n 1 rows columns"],
) -> list[float]:
    """``1 - SSIM`` in the head of images to which more or less of a correction is added."""
    return [
        float(dissimilarity_in_head((images + gain * change).clamp(min=0), references, heads))
        for gain in GAINS
    ]
