"""Fixed pairs that no store holds: aligned ones, and those of subjects who move by other traces."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mcnet.core.engine import ONE_CORE
from mcnet.core.progress import OnProgress
from mcnet.datasets.pairs.on_the_fly import aligned_motion
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.plan import PairsPlan, indices
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.motion.trace import Mode


def pairs_in_memory(
    plan: PairsPlan,
    part: str,
    mode: Mode,
    *,
    traces: Iterable[str] | None = None,
    aligned: bool = False,
    on_progress: OnProgress | None = None,
) -> ImagePairs:
    """Pairs of one part of a plan, as `loading.load_pairs` gives them, or with other motion.

    Subjects, slices and their order are always those of the store.

    Parameters
    ----------
    plan
        Whose subjects are scanned.
    part
        Of the split.
    mode
        Which degrees of freedom move.
    traces
        Names of the plan's traces that everybody moves by; those of the part by default.
    aligned
        Whether each trace is measured from its weighted mean pose, so that references lie where
        the images lie and a network learns no shift.
    on_progress
        Told of the subjects scanned and of their number in all.

    Raises
    ------
    McnetError
        A scan cannot be read, or does not fit the field of view.
    """
    names = getattr(plan.subjects_split, part)
    chosen = [subject for subject in plan.subjects if subject.name in set(names)]
    of_part = getattr(plan.traces_split, part) if traces is None else traces
    rows = indices((trace.name for trace in plan.traces), of_part)
    motions = [plan.traces[row].restricted_to(mode) for row in rows]
    subjects, index, first = [], [], 0
    images, scales, about = [], [], []
    for number, source in enumerate(chosen):
        subject = prepare_subject(source.load(), plan.design, plan.acquisition)
        subjects.append(subject)
        n_kept = int(subject.kept.sum())
        for trace in motions:
            motion = aligned_motion(trace, subject, plan.acquisition) if aligned else trace
            scan = subject.scanned(motion, plan.acquisition, ONE_CORE)
            images.append(scan[subject.kept])
            index.append(first + np.arange(n_kept))
            scales.append(np.full(n_kept, subject.input_scale(scan), np.float32))
            about += [
                (subject.name, trace.name, mode, float(position), trace.magnitude)
                for position in subject.positions_mm[subject.kept]
            ]
        first += n_kept
        if on_progress:
            on_progress(number + 1, len(chosen))
    return ImagePairs(
        corrupted=np.concatenate(images),
        references=np.concatenate([subject.references[subject.kept] for subject in subjects]),
        heads=np.concatenate([subject.heads[subject.kept] for subject in subjects]),
        reference_index=np.concatenate(index),
        input_scale=np.concatenate(scales),
        table=pd.DataFrame(about, columns=["subject", "trace", "mode", "position_mm", "magnitude"]),
    )
