"""The built-in head looks like a T1-weighted head and its variations like other subjects's."""

import numpy as np
import pytest

from mcnet.datasets.template import _anatomy, template_head, varied_head
from mcnet.io.volume import Volume


@pytest.fixture(scope="module")
def head() -> Volume:
    return template_head()


def at(volume: Volume, position_mm: tuple[float, float, float]) -> float:
    voxel = np.linalg.inv(volume.affine) @ [*position_mm, 1]
    return float(volume.values[tuple(np.round(voxel[:3]).astype(int))])


@pytest.mark.slow
def test_tissues_have_t1_weighted_contrast(head: Volume) -> None:
    white, thalamus, ventricle = (26, -30, 28), (10, -18, 8), (4, 8, 12)  # MNI coordinates
    assert at(head, white) == pytest.approx(0.85, abs=0.06)
    assert 0.4 < at(head, thalamus) < at(head, white)
    assert at(head, ventricle) < 0.35
    assert at(head, (90, 100, 100)) == 0


def test_from_brain_to_air_come_fluid_skull_scalp(head: Volume) -> None:
    column = [at(head, (24, -20, z)) for z in range(60, 108)]
    scalp = int(np.argmax(column[15:])) + 15
    assert column[scalp] > 0.8
    assert min(column[:scalp]) < 0.1
    assert column[-1] < 0.01


def test_head_is_closed_with_air_all_around(head: Volume) -> None:
    for axis in range(3):
        for border in (0, -1):
            assert np.take(head.values, border, axis=axis).max() == 0


def test_left_and_right_are_not_exchanged(head: Volume) -> None:
    assert head.affine[0, 0] > 0
    assert head.voxel_size_mm == (1.0, 1.0, 1.0)
    # The template is symmetric, so the front tells: eyes are dark at the front and not behind.
    assert at(head, (33, 63, -36)) < 0.2 < at(head, (33, -63, -36))


@pytest.mark.slow
@pytest.mark.parametrize("resolution_mm", [2.0, 3.7])
def test_coarser_head_lies_in_the_same_place(head: Volume, resolution_mm: float) -> None:
    coarse = template_head(resolution_mm=resolution_mm)
    assert coarse.voxel_size_mm == pytest.approx((resolution_mm,) * 3)
    for position in ((26, -30, 28), (0, 0, 0), (-26, -30, 28)):
        assert at(coarse, position) == pytest.approx(at(head, position), abs=0.15)
    middles = []
    for volume in (head, coarse):
        profiles = [volume.values.sum(axis=others) for others in ((1, 2), (0, 2), (0, 1))]
        centre = [np.average(np.arange(len(profile)), weights=profile) for profile in profiles]
        middles.append(volume.affine @ [*centre, 1])
    np.testing.assert_allclose(middles[1], middles[0], atol=0.1)


def test_head_is_symmetric_as_its_brain_is(head: Volume) -> None:
    weights = head.values.sum(axis=(1, 2))
    middle = np.average(np.arange(len(weights)), weights=weights) + head.affine[0, 3]
    assert abs(middle) < 0.2


@pytest.fixture(scope="module")
def varied() -> list[Volume]:
    return [varied_head(np.random.default_rng(seed), resolution_mm=2.0) for seed in (1, 1, 2)]


@pytest.mark.slow
def test_one_seed_gives_one_subject_and_another_seed_another(varied: list[Volume]) -> None:
    first, again, other = (head.values for head in varied)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.02


@pytest.mark.slow
def test_varied_heads_stay_heads(varied: list[Volume]) -> None:
    plain = template_head(resolution_mm=2.0).values
    for head in varied[1:]:
        assert head.values.shape == plain.shape
        assert np.isfinite(head.values).all()
        assert np.corrcoef(head.values.ravel(), plain.ravel())[0, 1] > 0.7
        air = head.values[:8, :8, :8]
        assert 0.005 < air.mean() < 0.04  # the Rician floor of noise of 1 to 2 %
        for axis in range(3):
            for border in (0, -1):
                assert np.take(head.values, border, axis=axis).max() < 0.2


@pytest.mark.slow
def test_building_the_template_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("the built-in head asked for the network")

    monkeypatch.setattr("socket.socket.connect", no_network)
    _anatomy.cache_clear()
    assert template_head(resolution_mm=4.0).values.max() > 0.8
