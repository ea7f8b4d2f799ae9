from dataclasses import replace
from functools import partial
from typing import Any

import moving_head
import numpy as np
import pytest
import torch
from tiny_models import FakeSeverityEstimator, model_of, random_network, still_network

from mcnet.core.errors import McnetError
from mcnet.correction import magnitude_motion, network_pass
from mcnet.correction import scan as scan_module
from mcnet.correction.magnitude_motion import find_motion
from mcnet.correction.models import Model
from mcnet.correction.options import CorrectionOptions
from mcnet.correction.outcome import Assessment, Severity
from mcnet.correction.scan import correct_scan
from mcnet.datasets.head_slices import input_scale
from mcnet.io.volume import Volume
from mcnet.networks.unet import UNet, UNetConfig
from mcnet.physics.in_plane import SliceGrid
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares

SHAPE = (9, 37, 45)
ALONE = CorrectionOptions(search=False)
"""The network alone."""
FORCED = CorrectionOptions(force=True, search=False)


@pytest.fixture
def scan(rng: np.random.Generator) -> Volume:
    return volume_of(rng.random(SHAPE, dtype=np.float32) + 0.1)


def volume_of(values: np.ndarray, voxel_size_mm: tuple[float, ...] = (1.0, 1.0, 1.0)) -> Volume:
    return Volume(values, np.diag([*voxel_size_mm, 1.0]), "somebody")


def adding_network(amount: float) -> UNet:
    """A network that adds the same to every pixel."""
    network = still_network()
    assert network.last.bias is not None
    torch.nn.init.constant_(network.last.bias, amount)
    return network


class OneBrightPixel(UNet):
    """Adds 1 at one pixel of every image that it sees, wherever the pixel of 0.9 is."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return image + (image == image.amax(dim=(2, 3), keepdim=True))


def planting_model() -> Model:
    return model_of(OneBrightPixel(UNetConfig(levels=1, width=1)))


def with_bright_voxels(shape: tuple[int, ...], places: np.ndarray) -> np.ndarray:
    """Slices whose brightest voxel is at a place of its own, below the brightest of the scan."""
    values = np.full(shape, 0.2, dtype=np.float32)
    values[np.arange(shape[0]), places[:, 0], places[:, 1]] = np.linspace(0.4, 0.5, shape[0])
    return values


def test_a_network_that_changes_nothing_gives_the_scan_back(scan: Volume) -> None:
    result = correct_scan(
        scan, model_of(still_network()), severity_estimator=FakeSeverityEstimator(), options=FORCED
    )
    assert result.left_because is None
    assert np.array_equal(result.after.values, scan.values)
    assert np.array_equal(result.after.affine, scan.affine)
    assert result.after.name == scan.name
    assert result.warnings == ()


@pytest.mark.parametrize("voxel_size_mm", [(1, 1, 3), (2, 0.4, 0.4), (1, 2.5, 2.5), (3, 1.7, 0.8)])
def test_nothing_is_lost_where_nothing_is_corrected_at_any_voxel_size(
    scan: Volume, voxel_size_mm: tuple[float, ...]
) -> None:
    scan = volume_of(scan.values, voxel_size_mm)
    result = correct_scan(
        scan, model_of(still_network()), severity_estimator=FakeSeverityEstimator(), options=FORCED
    )
    assert np.array_equal(result.after.values, scan.values)
    assert "unlike the model's training data" in result.warnings[0]


def test_the_network_sees_sagittal_slices_in_their_order(rng: np.random.Generator) -> None:
    places = np.stack([rng.integers(0, SHAPE[1], SHAPE[0]), rng.integers(0, SHAPE[2], SHAPE[0])], 1)
    scan = volume_of(with_bright_voxels(SHAPE, places))
    scan.values[0, 0, 0] = 9.0  # room above; the brightest of its slice
    places[0] = 0, 0
    after = correct_scan(
        scan, planting_model(), severity_estimator=FakeSeverityEstimator(), options=ALONE
    ).after.values
    changed = np.argwhere(after - scan.values > 0.01)
    assert changed.tolist() == [[x, *places[x].tolist()] for x in range(1, SHAPE[0])]


def test_oblique_and_flipped_affines_change_nothing_but_the_affine(scan: Volume) -> None:
    model = model_of(random_network())
    plain = correct_scan(scan, model, severity_estimator=FakeSeverityEstimator(), options=ALONE)
    angle = np.radians(12)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    for affine in (turn, np.diag([-1.0, 1, 1, 1]), np.diag([1.0, 1, -1, 1]) @ turn):
        result = correct_scan(
            replace(scan, affine=affine),
            model,
            severity_estimator=FakeSeverityEstimator(),
            options=ALONE,
        )
        assert np.array_equal(result.after.values, plain.after.values)
        assert np.array_equal(result.after.affine, affine)
        assert result.warnings == ()


def test_slices_far_from_sagittal_draw_a_warning(scan: Volume) -> None:
    angle = np.radians(31)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    turned = replace(scan, affine=turn)
    result = correct_scan(
        turned, model_of(still_network()), severity_estimator=FakeSeverityEstimator(), options=ALONE
    )
    assert "rotated by 31 degrees" in result.warnings[0]


def test_a_correction_at_another_pixel_size_lands_where_it_belongs() -> None:
    shape = (9, 40, 30)
    places = np.stack([np.arange(4, 31, 3), np.arange(3, 12, 1)], 1)
    values = with_bright_voxels(shape, places)
    values[0, 0, 0] = 9.0
    scan = volume_of(values, (1, 1, 3))  # seen with 40 x 90 pixels of 1 mm
    after = correct_scan(
        scan, planting_model(), severity_estimator=FakeSeverityEstimator(), options=FORCED
    ).after.values
    for x in range(1, 9):
        added = after[x] - values[x]
        assert np.unravel_index(added.argmax(), added.shape) == tuple(places[x])
        assert added[places[x, 0] - 1].max() < 0.02 * added.max(), "no other row is met"


def test_a_constant_correction_stays_so_at_another_pixel_size(scan: Volume) -> None:
    scan = volume_of(scan.values, (1, 0.5, 1.7))
    scan.values[0, 0, 0] = 100.0  # room above
    result = correct_scan(
        scan,
        model_of(adding_network(0.25)),
        severity_estimator=FakeSeverityEstimator(),
        options=FORCED,
    )
    added = result.after.values - scan.values
    added[0, 0, 0] = added[1, 1, 1]
    assert np.allclose(added, 0.25 * input_scale(scan.values), rtol=1e-4)


def test_the_result_scales_with_the_scan(scan: Volume) -> None:
    model = model_of(random_network())
    result = correct_scan(
        scan, model, severity_estimator=FakeSeverityEstimator(), options=ALONE
    ).after.values
    times = correct_scan(
        volume_of(scan.values * 1000),
        model,
        severity_estimator=FakeSeverityEstimator(),
        options=ALONE,
    ).after.values
    assert np.abs(result - scan.values).max() > 0.01
    assert np.allclose(times, result * 1000, rtol=1e-4)


@pytest.mark.parametrize("n_at_once", [1, 2, 9])
def test_slices_are_corrected_by_themselves(
    scan: Volume, monkeypatch: pytest.MonkeyPatch, n_at_once: int
) -> None:
    model, options = model_of(random_network()), CorrectionOptions(uncertainty=True, search=False)
    together = correct_scan(
        scan, model, severity_estimator=FakeSeverityEstimator(), options=options
    )
    monkeypatch.setattr(network_pass, "slices_at_once", lambda _shape, _device: n_at_once)
    told: list[tuple[int, int]] = []
    batched = correct_scan(
        scan,
        model,
        severity_estimator=FakeSeverityEstimator(),
        options=options,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert np.allclose(batched.after.values, together.after.values, atol=1e-5)
    assert batched.uncertainty is not None
    assert together.uncertainty is not None
    assert np.allclose(batched.uncertainty.values, together.uncertainty.values, atol=1e-5)
    done = [*range(n_at_once, 9, n_at_once), 9]
    assert [total for _, total in told] == [9] * len(done)
    assert told[-1] == (9, 9)


def test_a_still_scan_is_left_as_it_is(scan: Volume) -> None:
    severity_estimator = FakeSeverityEstimator(is_still=True, warnings=("Unlike.",))
    result = correct_scan(
        scan, model_of(random_network()), severity_estimator=severity_estimator, options=ALONE
    )
    assert result.left_because == "estimated still"
    assert result.after is result.before is scan
    assert result.assessment_after is result.assessment_before
    assert severity_estimator.seen == [scan]
    assert result.uncertainty is None
    assert result.warnings == ("Unlike.",)


def test_uncertainty_of_a_scan_that_is_left_is_explained(scan: Volume) -> None:
    options = CorrectionOptions(uncertainty=True, search=False)
    severity_estimator = FakeSeverityEstimator(is_still=True)
    result = correct_scan(
        scan, model_of(random_network()), severity_estimator=severity_estimator, options=options
    )
    assert result.uncertainty is None
    assert "No uncertainty" in result.warnings[0]


def test_force_corrects_a_still_scan(scan: Volume) -> None:
    severity_estimator = FakeSeverityEstimator(is_still=True)
    result = correct_scan(
        scan, model_of(random_network()), severity_estimator=severity_estimator, options=FORCED
    )
    assert result.left_because is None
    assert not np.array_equal(result.after.values, scan.values)
    assert severity_estimator.seen == [scan, result.after]


def test_warnings_of_the_guard_come_first(scan: Volume) -> None:
    scan = volume_of(scan.values, (1, 1, 3))
    severity_estimator = FakeSeverityEstimator(warnings=("Unlike.",))
    assert (
        correct_scan(
            scan, model_of(still_network()), severity_estimator=severity_estimator, options=ALONE
        ).warnings[0]
        == "Unlike."
    )


def test_the_result_names_its_model(scan: Volume) -> None:
    model = model_of(still_network())
    about = correct_scan(
        scan, model, severity_estimator=FakeSeverityEstimator(), options=ALONE
    ).model
    assert about["name"] == "tiny"
    assert about["sha256"] == model.sha256
    assert about["card"]["licence"] == "CC0-1.0"


def test_uncertainty_is_zero_where_flips_make_no_difference(scan: Volume) -> None:
    options = CorrectionOptions(uncertainty=True, search=False)
    model = model_of(adding_network(0.1))
    result = correct_scan(scan, model, severity_estimator=FakeSeverityEstimator(), options=options)
    assert result.uncertainty is not None
    assert result.uncertainty.values.shape == SHAPE
    assert result.uncertainty.values.max() < 1e-6


def test_uncertainty_is_the_spread_of_the_answers_to_flipped_slices(scan: Volume) -> None:
    scan.values[0, 0, 0] = 100.0  # room above
    network, scale = random_network(), input_scale(scan.values)
    options = CorrectionOptions(uncertainty=True, search=False)
    result = correct_scan(
        scan, model_of(network), severity_estimator=FakeSeverityEstimator(), options=options
    )
    answers = []
    for step_y, step_z in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
        seen = (scan.values / scale)[:, ::step_y, ::step_z]
        with torch.inference_mode():
            output = network(torch.from_numpy(seen.copy())[:, None])[:, 0].numpy()
        answers.append((output[:, ::step_y, ::step_z] - scan.values / scale) * scale)
    assert result.uncertainty is not None
    spread = np.std(answers, axis=0, ddof=1)
    assert spread.max() > 0.01 * scale
    assert np.allclose(result.uncertainty.values, spread, atol=1e-4 * scale)
    # the correction is the mean of the answers to the slice and to it turned by half a circle
    expected = np.clip(scan.values + (answers[0] + answers[3]) / 2, 0, 100)
    assert np.allclose(result.after.values, expected, atol=1e-4 * scale)
    without = correct_scan(
        scan, model_of(network), severity_estimator=FakeSeverityEstimator(), options=ALONE
    )
    assert without.uncertainty is None
    assert np.array_equal(without.after.values, result.after.values)


@pytest.mark.parametrize("amount", [-100.0, 100.0])
def test_the_result_keeps_within_zero_and_what_the_scan_held(scan: Volume, amount: float) -> None:
    after = correct_scan(
        scan,
        model_of(adding_network(amount)),
        severity_estimator=FakeSeverityEstimator(),
        options=ALONE,
    ).after.values
    assert after.min() == after.max() == (0 if amount < 0 else scan.values.max())


def test_a_scan_with_negative_values_keeps_them(scan: Volume) -> None:
    scan = volume_of(scan.values - 0.3)
    after = correct_scan(
        scan, model_of(still_network()), severity_estimator=FakeSeverityEstimator(), options=ALONE
    ).after.values
    assert np.array_equal(after, scan.values)


def test_air_at_the_sides_does_not_change_the_input_scale(scan: Volume) -> None:
    wide = np.pad(scan.values, ((40, 40), (0, 0), (0, 0)))
    assert input_scale(wide) == pytest.approx(input_scale(scan.values))


def test_a_scan_without_signal_is_refused() -> None:
    scan = volume_of(np.zeros(SHAPE, dtype=np.float32))
    with pytest.raises(McnetError, match="a scale has to be positive"):
        correct_scan(
            scan,
            model_of(still_network()),
            severity_estimator=FakeSeverityEstimator(),
            options=ALONE,
        )


def test_a_gpu_that_is_not_there_is_told_before_any_work(
    scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    severity_estimator = FakeSeverityEstimator()
    options = CorrectionOptions(device="cuda")
    with pytest.raises(McnetError, match="device cuda is not there"):
        correct_scan(
            scan, model_of(still_network()), severity_estimator=severity_estimator, options=options
        )
    assert severity_estimator.seen == []


def test_the_users_network_is_left_as_it_was(scan: Volume) -> None:
    network = random_network()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    correct_scan(scan, model_of(network), severity_estimator=FakeSeverityEstimator(), options=ALONE)
    after = network.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_the_gain_of_the_card_is_applied_by_the_estimated_severity(scan: Volume) -> None:
    network = random_network()
    whole = correct_scan(
        scan, model_of(network), severity_estimator=FakeSeverityEstimator(), options=ALONE
    )
    at_mm = FakeSeverityEstimator().assess(scan).severity.mm
    curve = {"severity_mm": [0.0, 2 * at_mm], "gain": [0.0, 1.0]}
    half = correct_scan(
        scan,
        model_of(network, gain=curve),
        severity_estimator=FakeSeverityEstimator(),
        options=ALONE,
    )
    change = whole.after.values - scan.values
    inside = (whole.after.values > 0) & (whole.after.values < scan.values.max())
    assert np.abs(change[inside]).max() > 0.01
    found = half.after.values - scan.values
    assert np.allclose(found[inside], change[inside] / 2, atol=1e-3 * scan.values.max())
    unlike = FakeSeverityEstimator(warnings=("Unlike.",))
    least = correct_scan(
        scan, model_of(network, gain=curve), severity_estimator=unlike, options=ALONE
    )
    assert np.array_equal(least.after.values, scan.values)  # the curve's least gain is 0


@pytest.fixture(scope="module")
def moving_scan() -> Volume:
    """The built-in head, moved while lines were encoded along y."""
    slices = moving_head.raw_scan(4.0)
    # half the size that it has, for a search wants small pixels
    return volume_of(slices.planes_of(root_sum_of_squares(slices).values), (8.0, 1.3, 1.35))


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of few steps, whatever it finds."""
    few = replace(magnitude_motion.SEARCH, n_steps=(3, 2, 2))
    monkeypatch.setattr(scan_module, "find_motion", partial(find_motion, settings=few))
    monkeypatch.setattr(magnitude_motion, "_SAVED", (-2.0, -1.0))


def shy_model() -> Model:
    """A network that adds much, and a card by which nothing of it is applied."""
    return coarse_model(0.5, gain={"severity_mm": [0], "gain": [0.0]})


def coarse_model(amount: float, **card: object) -> Model:
    return model_of(adding_network(amount), trained_pixel_mm=[1.0, 3.0], **card)


@pytest.mark.slow
def test_motion_that_is_found_is_undone(moving_scan: Volume) -> None:
    scan = moving_scan
    result = correct_scan(scan, shy_model(), severity_estimator=FakeSeverityEstimator())
    assert result.motion is not None
    assert result.motion.grid.line_axis == 0
    scores = [moving_head.ssim(volume.values) for volume in (scan, result.after)]
    assert 1 - scores[1] < 0.7 * (1 - scores[0])


@pytest.mark.parametrize(
    "options", [CorrectionOptions(search=False), CorrectionOptions(phase_encoding="x")]
)
def test_nothing_is_searched_where_that_is_not_wanted_or_makes_no_sense(
    moving_scan: Volume, options: CorrectionOptions
) -> None:
    scan = moving_scan
    result = correct_scan(
        scan, shy_model(), severity_estimator=FakeSeverityEstimator(), options=options
    )
    assert result.motion is None
    assert np.array_equal(result.after.values, scan.values)


def test_nothing_is_searched_in_large_pixels(moving_scan: Volume) -> None:
    coarse = volume_of(moving_scan.values, (8.0, 2.0, 2.0))
    result = correct_scan(coarse, shy_model(), severity_estimator=FakeSeverityEstimator())
    assert result.motion is None
    assert np.array_equal(result.after.values, coarse.values)


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_pixels_that_a_header_rounds_up_are_searched(moving_scan: Volume) -> None:
    rounded = volume_of(moving_scan.values, (8.0, 1.5000000591777933, 1.5))
    assert (
        correct_scan(rounded, shy_model(), severity_estimator=FakeSeverityEstimator()).motion
        is not None
    )


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize(("between_mm", "share"), [((0.0, 0.0001), 1.0), ((90.0, 99.0), 0.0)])
def test_the_network_corrects_what_severe_motion_leaves(
    moving_scan: Volume,
    monkeypatch: pytest.MonkeyPatch,
    between_mm: tuple[float, float],
    share: float,
) -> None:
    monkeypatch.setattr(scan_module, "_NETWORK_FOUND_MM", between_mm)
    monkeypatch.setattr(scan_module, "_NETWORK_SEEN_MM", (90.0, 99.0))
    scan = moving_scan
    plain = correct_scan(scan, shy_model(), severity_estimator=FakeSeverityEstimator()).after.values
    added = correct_scan(
        scan, coarse_model(-0.1), severity_estimator=FakeSeverityEstimator()
    ).after.values
    expected = np.maximum(plain - share * 0.1 * input_scale(scan.values), 0)
    inside = (plain > 0.2) & (plain < 0.9 * scan.values.max())
    assert np.allclose(added[inside], expected[inside], atol=1e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_lines_along_z_are_searched_along_z(
    moving_scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = moving_scan
    turned = volume_of(
        np.ascontiguousarray(scan.values.transpose(0, 2, 1)), (8.0, *scan.voxel_size_mm[:0:-1])
    )
    options = CorrectionOptions(phase_encoding="z")
    result = correct_scan(
        turned, shy_model(), severity_estimator=FakeSeverityEstimator(), options=options
    )
    assert result.motion is not None
    assert result.motion.grid.line_axis == 1
    assert result.motion.grid.n_lines == moving_head.N_LINES


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_the_network_sees_what_the_search_took_away(moving_scan: Volume) -> None:
    class AddsUndone(UNet):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image[:, :1] + image[:, 1:]

    network = AddsUndone(UNetConfig(levels=1, width=1, search_difference=True))
    model = model_of(network, trained_pixel_mm=[1.0, 3.0])
    # all that was undone is added again
    result = correct_scan(moving_scan, model, severity_estimator=FakeSeverityEstimator())
    assert result.motion is not None
    scale = moving_scan.values.max()
    assert np.abs(result.after.values - moving_scan.values).max() < 1e-4 * scale
    alone = correct_scan(
        moving_scan, model, severity_estimator=FakeSeverityEstimator(), options=FORCED
    )
    assert np.array_equal(alone.after.values, moving_scan.values)


def test_the_network_sees_lines_along_its_rows(scan: Volume) -> None:
    class AddsDifferenceOfRows(UNet):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image + 0.1 * (image - image.roll(1, dims=2))

    model = model_of(AddsDifferenceOfRows(UNetConfig(levels=1, width=1)))
    turned = replace(scan, values=np.ascontiguousarray(scan.values.swapaxes(1, 2)))
    of_y, of_z = (
        correct_scan(
            one,
            model,
            severity_estimator=FakeSeverityEstimator(),
            options=replace(FORCED, phase_encoding=axis),
        )
        for one, axis in ((scan, "y"), (turned, "z"))
    )
    assert not np.array_equal(of_y.after.values, scan.values)
    assert np.array_equal(of_z.after.values, of_y.after.values.swapaxes(1, 2))


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
def test_poses_that_are_not_believed_are_not_used(
    moving_scan: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = moving_scan
    monkeypatch.setattr(magnitude_motion, "_SAVED", (1.0, 2.0))
    monkeypatch.setattr(magnitude_motion, "_SPURIOUS_PIXELS", 100.0)
    result = correct_scan(scan, shy_model(), severity_estimator=FakeSeverityEstimator())
    assert result.left_because == "no motion found"
    assert result.motion is None
    assert result.after is scan
    forced = correct_scan(
        scan,
        shy_model(),
        severity_estimator=FakeSeverityEstimator(),
        options=CorrectionOptions(force=True),
    )
    assert forced.left_because is None


@pytest.mark.slow
@pytest.mark.usefixtures("short_search")
@pytest.mark.parametrize("certain", [True, False])
def test_a_search_may_be_certain_of_motion_that_the_guard_does_not_see(
    moving_scan: Volume, monkeypatch: pytest.MonkeyPatch, *, certain: bool
) -> None:
    monkeypatch.setattr(magnitude_motion, "_SAVED", (-2.0, -1.0) if certain else (-1.0, 1.0))
    monkeypatch.setattr(magnitude_motion, "_CERTAIN_PIXELS", 100.0)
    result = correct_scan(
        moving_scan, shy_model(), severity_estimator=FakeSeverityEstimator(is_still=True)
    )
    assert result.left_because == (None if certain else "estimated still")
    assert (result.motion is not None) is certain


def motion_found(*, certain: bool) -> magnitude_motion.FoundMotion:
    poses = np.zeros((SHAPE[1], 3))
    poses[::2, 1] = 0.2
    grid = SliceGrid(SHAPE[1:], (1.0, 1.0))
    return magnitude_motion.FoundMotion(grid, (poses,), 0.1, is_certain=certain)


@pytest.mark.parametrize(
    ("is_still", "found", "options", "because"),
    [
        (True, None, {}, "estimated still"),
        (True, "uncertain", {}, "estimated still"),
        (True, "certain", {}, None),
        (False, None, {}, "no motion found"),
        (False, "uncertain", {}, None),
        (True, None, {"force": True}, None),
        (False, None, {"force": True}, None),
        (True, "certain", {"phase_encoding": "x"}, "estimated still"),
        (False, "certain", {"phase_encoding": "x"}, None),
        (True, "certain", {"search": False}, "estimated still"),
        (False, "certain", {"search": False}, None),
    ],
)
def test_why_a_scan_is_left_is_what_was_judged_and_found(
    scan: Volume,
    monkeypatch: pytest.MonkeyPatch,
    is_still: bool,
    found: str | None,
    options: dict[str, Any],
    because: str | None,
) -> None:
    motion = motion_found(certain=found == "certain") if found else None
    monkeypatch.setattr(scan_module, "_motion", lambda *_: motion)
    severity_estimator, given = (
        FakeSeverityEstimator(is_still=is_still),
        CorrectionOptions(**options),
    )
    result = correct_scan(
        scan, model_of(random_network()), severity_estimator=severity_estimator, options=given
    )
    assert result.left_because == because
    assert (result.after is scan) == (because is not None)
    searched = given.search and given.phase_encoding != "x"
    assert result.motion is (motion if searched and because is None else None)
    told = any("No motion was searched for" in warning for warning in result.warnings)
    assert told == (given.phase_encoding == "x")


@pytest.mark.parametrize("is_still", [True, False])
@pytest.mark.parametrize("pixel_mm", [(3.0, 3.0), (2.0, 2.0), (1.6, 1.6), (1.0, 3.0), (2.4, 1.0)])
def test_a_scan_of_coarse_pixels_comes_back_and_is_never_searched(
    scan: Volume, monkeypatch: pytest.MonkeyPatch, pixel_mm: tuple[float, float], *, is_still: bool
) -> None:
    monkeypatch.setattr(scan_module, "_motion", lambda *_: pytest.fail("it was searched"))
    model = model_of(random_network(), trained_pixel_mm=[1.0, 1.35])
    coarse, severity_estimator = (
        volume_of(scan.values, (1.0, *pixel_mm)),
        FakeSeverityEstimator(is_still=is_still),
    )
    result = correct_scan(coarse, model, severity_estimator=severity_estimator)
    assert result.left_because == "pixels too coarse"
    assert result.after is coarse
    rows, columns = pixel_mm
    told = f"No motion was searched for, because the scan's sagittal pixels measure {rows:.2f} x "
    assert result.warnings[0].startswith(f"{told}{columns:.2f} mm, and in pixels above 1.5 mm")
    forced = correct_scan(
        coarse, model, severity_estimator=severity_estimator, options=CorrectionOptions(force=True)
    )
    assert forced.left_because is None
    assert forced.motion is None
    assert not np.array_equal(forced.after.values, coarse.values)
    assert forced.warnings[0] == result.warnings[0]


@pytest.mark.parametrize("is_still", [True, False])
def test_few_rows_are_not_searched_and_the_guard_decides(
    scan: Volume, monkeypatch: pytest.MonkeyPatch, *, is_still: bool
) -> None:
    monkeypatch.setattr(scan_module, "_motion", lambda *_: pytest.fail("it was searched"))
    low = volume_of(scan.values[:, :20])
    severity_estimator = FakeSeverityEstimator(is_still=is_still)
    result = correct_scan(low, model_of(random_network()), severity_estimator=severity_estimator)
    assert result.left_because == ("estimated still" if is_still else None)
    assert np.array_equal(result.after.values, low.values) == is_still
    assert "are 20 x 45, and fewer than 32 rows or columns" in result.warnings[0]


def test_an_axis_that_is_none_is_refused() -> None:
    with pytest.raises((McnetError, TypeError), match="w"):
        CorrectionOptions(phase_encoding="w")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen_mm", "low_mm", "found_mm", "warned", "gain"),
    [
        (0.5, 0.1, 0.05, False, 0.0),
        (0.8, 0.1, 0.05, False, 0.5 * 0.4),
        (2.0, 0.1, 0.05, False, 1.0),
        (0.5, 0.1, 0.2, False, 0.5 * 0.25),
        (0.5, 0.1, 0.7, False, 0.35),
        (2.0, 0.1, 0.05, True, 0.0),
        (2.0, 0.8, 0.05, True, 0.5 * 0.4),
        (2.0, 0.1, 0.7, True, 0.35),
    ],
)
def test_the_network_is_asked_where_much_motion_was_found_or_is_seen(
    *, seen_mm: float, low_mm: float, found_mm: float, warned: bool, gain: float
) -> None:
    model = model_of(still_network(), gain={"severity_mm": [0, 2], "gain": [0, 1]})
    judged = Assessment(Severity(seen_mm, low_mm, 9.0), False, ("Unlike.",) if warned else ())
    poses = np.zeros((40, 3))
    poses[:, 1] = np.tile([found_mm, -found_mm], 20)
    motion = magnitude_motion.FoundMotion(SliceGrid((40, 30), (1.0, 1.0)), (poses,), 0.1)
    found = scan_module._gain(model, judged, motion, was_searched=True)
    assert found == pytest.approx(gain)
