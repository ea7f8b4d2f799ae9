"""Fixed pairs whose references lie where the images lie: what a network learns no shift from."""

import numpy as np
import pandas as pd

from mcnet.data.fresh_pairs import aligned_motion
from mcnet.data.pairs import ImagePairs
from mcnet.data.pairs_plan import PairsPlan, indices
from mcnet.data.prepared import prepare_person
from mcnet.engine import ONE_CORE
from mcnet.progress import OnProgress
from mcnet.simulation.motion import Mode


def aligned_pairs(
    plan: PairsPlan, part: str, mode: Mode, *, on_progress: OnProgress | None = None
) -> ImagePairs:
    """Pairs of one part of a plan, in memory, each trace measured from its weighted mean pose.

    People, traces, slices and their order are those of `mcnet.data.store.load_pairs`; only where
    the head lies in the images differs.

    Raises
    ------
    McnetError
        A scan cannot be read, or does not fit the field of view.
    """
    names, of_part = getattr(plan.people_split, part), getattr(plan.traces_split, part)
    chosen = [person for person in plan.people if person.name in set(names)]
    rows = indices((trace.name for trace in plan.traces), of_part)
    traces = [plan.traces[row].restricted_to(mode) for row in rows]
    people, index, first = [], [], 0
    images, scales, about = [], [], []
    for number, source in enumerate(chosen):
        person = prepare_person(source.load(), plan.design, plan.acquisition)
        people.append(person)
        n_kept = int(person.kept.sum())
        for trace in traces:
            motion = aligned_motion(trace, person, plan.acquisition)
            scan = person.scanned(motion, plan.acquisition, ONE_CORE)
            images.append(scan[person.kept])
            index.append(first + np.arange(n_kept))
            scales.append(np.full(n_kept, person.input_scale(scan), np.float32))
            about += [
                (person.name, trace.name, mode, float(position), trace.magnitude)
                for position in person.positions_mm[person.kept]
            ]
        first += n_kept
        if on_progress:
            on_progress(number + 1, len(chosen))
    return ImagePairs(
        corrupted=np.concatenate(images),
        references=np.concatenate([person.references[person.kept] for person in people]),
        heads=np.concatenate([person.heads[person.kept] for person in people]),
        reference_index=np.concatenate(index),
        input_scale=np.concatenate(scales),
        table=pd.DataFrame(about, columns=["person", "trace", "mode", "position_mm", "magnitude"]),
    )
