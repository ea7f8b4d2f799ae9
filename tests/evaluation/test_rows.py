"""One row per slice and model, each scored against its own reference."""

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter, shift

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.evaluation import baselines
from mcnet.evaluation.baselines import register_all, register_rigidly
from mcnet.evaluation.rows import BASELINES, COLUMNS, evaluate
from mcnet.metrics.edges import average_edge_strength
from mcnet.metrics.registry import COLUMN_NAMES
from mcnet.metrics.similarity import nmse, psnr, ssim
from mcnet.metrics.visual_information import vif

SHAPE = (49, 57)


@pytest.fixture
def pairs(rng) -> ImagePairs:
    """Five pairs of three references in mixed order; the corrupted are shifted and noisy."""
    rows, columns = np.indices(SHAPE) - np.array(SHAPE)[:, None, None] // 2
    heads = np.stack([np.hypot(rows / (18 + k), columns / 20) < 1 for k in range(3)])
    texture = gaussian_filter(rng.normal(size=(3, *SHAPE)), (0, 2, 2)) * 2
    references = (heads * (0.5 + texture)).clip(0).astype(np.float32)
    index = np.array([2, 0, 1, 1, 0])
    corrupted = np.stack([shift(references[i], (1.5, -2)) for i in index])
    corrupted = np.abs(corrupted + rng.normal(0, 0.02, corrupted.shape)).astype(np.float32)
    table = pd.DataFrame(
        {
            "subject": ["c", "a", "b", "b", "a"],
            "trace": ["t1", "t1", "t2", "t3", "t2"],
            "mode": "rotation",
            "position_mm": [0.0, 5.0, 0.0, 5.0, 0.0],
            "magnitude": [1.0, 1.0, 2.0, 3.0, 2.0],
        }
    )
    scale = np.ones(5, dtype=np.float32)
    return ImagePairs(corrupted, references, heads, index, scale, table)


def test_every_row_holds_the_scores_of_its_own_images(pairs):
    corrected = (pairs.corrupted * np.float32(0.8)).astype(np.float32)
    rows = evaluate(pairs, {"l1": corrected})
    assert list(rows.columns) == list(COLUMNS)
    assert list(rows["model"].unique()) == [*BASELINES, "l1"]
    assert len(rows) == 4 * len(pairs)
    for model, images in (("corrupted", pairs.corrupted), ("l1", corrected)):
        of_model = rows[rows["model"] == model].reset_index(drop=True)
        pd.testing.assert_frame_equal(
            of_model[["subject", "trace", "mode", "position_mm", "magnitude"]], pairs.table
        )
        for k, row in of_model.iterrows():
            reference = pairs.references[pairs.reference_index[k]]
            head = pairs.heads[pairs.reference_index[k]]
            aligned = register_rigidly(reference, images[k])
            expected = {
                "ssim": ssim(reference, images[k], data_range=1.0),
                "ssim_head": ssim(reference, images[k], data_range=1.0, mask=head),
                "ssim_registered": ssim(reference, aligned, data_range=1.0),
                "ssim_head_registered": ssim(reference, aligned, data_range=1.0, mask=head),
                "psnr": psnr(reference, images[k], data_range=1.0),
                "psnr_head": psnr(reference, images[k], data_range=1.0, mask=head),
                "nmse": nmse(reference, images[k]),
                "nmse_head": nmse(reference, images[k], mask=head),
                "vif_head_registered": vif(reference, aligned, data_range=1.0, mask=head),
                "aes_head": average_edge_strength(images[k], mask=head),
            }
            assert row[list(COLUMN_NAMES)].to_dict() == pytest.approx(expected, abs=1e-9)


def test_the_registered_row_is_its_own_registered_score(pairs):
    rows = evaluate(pairs, {}).set_index("model")
    registered, corrupted = rows.loc["registered"], rows.loc["corrupted"]
    assert (registered["ssim"] == registered["ssim_registered"]).all()
    assert list(registered["ssim"]) == list(corrupted["ssim_registered"])
    assert (registered["ssim_head"].to_numpy() > corrupted["ssim_head"].to_numpy() + 0.1).all()


def test_a_perfect_model_scores_one_everywhere(pairs):
    perfect = pairs.references[pairs.reference_index]
    rows = evaluate(pairs, {"perfect": perfect})
    scores = rows[rows["model"] == "perfect"]
    for metric in ("ssim", "ssim_head", "ssim_registered", "ssim_head_registered"):
        assert scores[metric].to_numpy() == pytest.approx(1.0)
    assert (scores["nmse"] == 0).all()
    assert np.isinf(scores["psnr"]).all()


def test_progress_counts_every_registration(pairs):
    calls = []
    evaluate(pairs, {"l1": pairs.corrupted}, progress=lambda *call: calls.append(call))
    assert calls == [(k, 15) for k in range(1, 16)]


def test_many_images_on_all_cores_give_what_one_core_gives(pairs, monkeypatch):
    references = pairs.references[pairs.reference_index]
    alone = register_all(references, pairs.corrupted)
    monkeypatch.setattr(baselines, "_FEW_IMAGES", 2)
    assert np.array_equal(register_all(references, pairs.corrupted), alone)


def test_images_that_do_not_fit_the_pairs_are_refused(pairs):
    with pytest.raises(McnetError, match="baseline"):
        evaluate(pairs, {"registered": pairs.corrupted})
    with pytest.raises(McnetError, match="'l1' have shape"):
        evaluate(pairs, {"l1": pairs.corrupted[:-1]})
    with pytest.raises(McnetError, match="no pairs"):
        evaluate(pairs.chosen([]), {})
