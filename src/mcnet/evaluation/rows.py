"""One row per slice and model, from which every table and figure is made."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float32

from mcnet.core.engine import n_cores
from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress, Progress
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.evaluation.baselines import register_all, smooth_lightly
from mcnet.evaluation.question import BASELINES
from mcnet.metrics.registry import COLUMN_NAMES, scores

KEYS: tuple[str, ...] = ("subject", "trace", "position_mm", "mode")
COLUMNS: tuple[str, ...] = (*KEYS, "model", "magnitude", *COLUMN_NAMES)

Images = Float32[np.ndarray, "n_pairs rows columns"]
Image = Float32[np.ndarray, "rows columns"]


def evaluate(
    pairs: ImagePairs,
    images: Mapping[str, Float32[np.ndarray, "_ _ _"]],
    *,
    progress: OnProgress | None = None,
) -> pd.DataFrame:
    """One row per (pair, model label), with every metric against the pair's reference.

    The baselines ``corrupted``, ``registered`` (the corrupted image after a rigid registration to
    its reference) and ``smoothed`` are added to the models. The columns are those of
    `mcnet.metrics.registry`; those named ``*_registered`` score the row's image after it was
    registered, too, so that alignment alone gains nothing there.

    Parameters
    ----------
    pairs
        Corrupted slices with references and head masks.
    images
        A model's label, and its corrected images in the order and on the scale of ``pairs``.
    progress
        Called with the number of images registered, and of all.

    Raises
    ------
    McnetError
        A label is that of a baseline, or there is not one image a pair.
    """
    _check_fit(pairs, images)
    references = pairs.references[pairs.reference_index]
    heads = pairs.heads[pairs.reference_index]
    candidates = {"corrupted": pairs.corrupted, "smoothed": smooth_lightly(pairs.corrupted)}
    candidates.update(images)
    whole = Progress(progress)
    registered = {
        label: register_all(references, stack, progress=whole.part(index, len(candidates)))
        for index, (label, stack) in enumerate(candidates.items())
    }
    tables = []
    for label in (*BASELINES, *images):
        # The registered corrupted image is its own row's image, and registered it stays.
        source = "corrupted" if label == "registered" else label
        stack = registered[source] if label == "registered" else candidates[label]
        scores = _scores(references, heads, stack, registered[source])
        tables.append(pd.concat([pairs.table.assign(model=label), scores], axis=1))
    return pd.concat(tables, ignore_index=True)[list(COLUMNS)]


def _scores(
    references: Images,
    heads: Bool[np.ndarray, "n_pairs rows columns"],
    images: Images,
    registered: Images,
) -> pd.DataFrame:
    """Every metric of every image, one row an image."""
    with ThreadPoolExecutor(n_cores()) as pool:
        rows = list(pool.map(_scored, references, heads, images, registered))
    return pd.DataFrame(rows, columns=list(COLUMN_NAMES))


def _scored(
    reference: Image, head: Bool[np.ndarray, "rows columns"], image: Image, aligned: Image
) -> dict[str, float]:
    return scores(image, head=head, reference=reference, registered=aligned)


def _check_fit(pairs: ImagePairs, images: Mapping[str, np.ndarray]) -> None:
    """Refuse labels and images that do not belong to the pairs."""
    taken = [label for label in images if label in BASELINES]
    if taken:
        raise McnetError(
            f"A model is labelled {taken[0]!r}, which names a baseline; give it another label "
            "than corrupted, registered or smoothed."
        )
    if len(pairs) == 0:
        raise McnetError("There are no pairs to evaluate; give at least one test slice.")
    for label, stack in images.items():
        if stack.shape != pairs.corrupted.shape:
            raise McnetError(
                f"The images of {label!r} have shape {stack.shape}; one image a pair is expected, "
                f"{pairs.corrupted.shape}: correct the same pairs that are evaluated."
            )
