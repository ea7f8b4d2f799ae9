import pytest
import torch
from skimage.metrics import structural_similarity
from torch import Tensor

from mcnet.core.errors import McnetError
from mcnet.training.losses import (
    LossConfig,
    dissimilarity_in_head,
    hybrid_loss,
    l1,
    total_variation,
)
from mcnet.training.recipes import Stage


def as_batch(*images: list[list[float]]) -> Tensor:
    return torch.tensor(images)[:, None]


def test_total_variation_of_2x2_is_equation_2_by_hand() -> None:
    # only pixel (0, 0) has both neighbours: (3 - 1)^2 + (5 - 1)^2 = 20
    image = as_batch([[1.0, 5.0], [3.0, 100.0]])
    assert total_variation(image, reduction="sum").item() == pytest.approx(20**1.25)
    assert total_variation(image).item() == pytest.approx(20**1.25)


def test_total_variation_of_3x3_is_equation_2_by_hand() -> None:
    image = as_batch([[0.0, 1.0, 1.0], [2.0, 1.0, 4.0], [2.0, 0.0, 7.0]])
    squares = [2**2 + 1**2, 0, 0 + 1**2, 1**2 + 3**2]
    by_hand = sum(square**1.25 for square in squares)
    assert total_variation(image, reduction="sum").item() == pytest.approx(by_hand)
    assert total_variation(image, reduction="mean").item() == pytest.approx(by_hand / 4)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_has_the_mean_of_its_images_whatever_their_order(reduction: str) -> None:
    images = torch.rand(5, 1, 9, 7)
    alone = [total_variation(image[None], reduction=reduction) for image in images]
    mean = torch.stack(alone).mean()
    assert total_variation(images, reduction=reduction).item() == pytest.approx(mean.item())
    mixed = images[torch.tensor([3, 0, 4, 2, 1])]
    assert total_variation(mixed, reduction=reduction).item() == pytest.approx(mean.item())


def test_images_that_differ_from_each_other_but_are_flat_have_no_total_variation() -> None:
    assert total_variation(torch.rand(6, 1, 1, 1).expand(6, 1, 5, 8)).item() == 0


def test_a_residual_that_varies_costs_in_the_networks_own_layout() -> None:
    output, reference = torch.rand(2, 4, 1, 6, 5)
    terms = hybrid_loss(output, reference, Stage(1.0, 1.0), LossConfig())
    assert terms.tv > 0.01
    # an offset of a whole image is L1's affair alone
    terms = hybrid_loss(reference + 0.5, reference, Stage(1.0, 1.0), LossConfig())
    assert terms.tv.item() == pytest.approx(0, abs=1e-6)
    assert terms.l1.item() == pytest.approx(0.5)


def test_the_target_is_the_residual_or_the_output() -> None:
    output, reference = torch.rand(2, 3, 1, 6, 5)
    stage = Stage(1.0, 1.0)
    residual = hybrid_loss(output, reference, stage, LossConfig(tv_target="residual")).tv
    assert residual == total_variation(output - reference)
    assert hybrid_loss(output, reference, stage, LossConfig(tv_target="output")).tv == (
        total_variation(output)
    )


def test_the_total_is_equation_1() -> None:
    output, reference = torch.rand(2, 3, 1, 6, 5)
    total, term_l1, term_tv, dissimilarity = hybrid_loss(
        output, reference, Stage(0.5, 3.0), LossConfig()
    )
    assert total.item() == pytest.approx(0.5 * term_l1.item() + 3 * term_tv.item())
    assert term_l1 == l1(output, reference)
    assert dissimilarity == 0


def test_gradients_are_zero_and_not_nan_where_the_residual_is_flat() -> None:
    output = torch.ones(2, 1, 4, 3, requires_grad=True)
    total_variation(output).backward()
    assert output.grad is not None
    assert torch.equal(output.grad, torch.zeros(2, 1, 4, 3))


def test_gradients_are_those_of_finite_differences() -> None:
    output = torch.rand(2, 1, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(total_variation, output)


def test_an_image_of_one_row_is_refused() -> None:
    with pytest.raises(McnetError, match="2 rows and 2 columns"):
        total_variation(torch.rand(2, 1, 1, 5))


@pytest.mark.parametrize("setting", ["tv_target", "reduction"])
def test_unknown_words_are_refused(setting: str) -> None:
    config = LossConfig()
    object.__setattr__(config, setting, "sideways")  # past the type checker of the tests
    with pytest.raises(McnetError, match="'sideways' is none of"):
        config.__post_init__()


def test_air_weighs_less_where_it_is_asked_for() -> None:
    output, reference = as_batch([[1.0, 3.0], [0.0, 2.0]]), torch.zeros(1, 1, 2, 2)
    head = torch.tensor([[[[True, False], [False, True]]]])
    assert l1(output, reference, head, 0.0).item() == pytest.approx(1.5)
    assert l1(output, reference, head, 0.5).item() == pytest.approx((1 + 2 + 0.5 * 3) / 3)
    assert l1(output, reference, head).item() == pytest.approx(1.5)
    assert l1(2 * output, reference, ~head, 0.0).item() == pytest.approx(3)


def test_dissimilarity_is_scikit_images_with_uniform_windows() -> None:
    torch.manual_seed(1)
    reference = torch.rand(1, 1, 21, 25)
    image = (reference + 0.2 * torch.randn(1, 1, 21, 25)).clamp(0, 1)
    everywhere = torch.ones(1, 1, 21, 25, dtype=torch.bool)
    _, similarity = structural_similarity(
        reference[0, 0].double().numpy(),
        image[0, 0].double().numpy(),
        data_range=1.0,
        win_size=7,
        use_sample_covariance=False,
        full=True,
    )
    expected = 1 - similarity[3:-3:2, 3:-3:2].mean()
    found = dissimilarity_in_head(image, reference, everywhere).item()
    assert found == pytest.approx(expected, abs=1e-4)
    assert dissimilarity_in_head(reference, reference, everywhere).item() == pytest.approx(0)


def test_dissimilarity_looks_inside_the_head_alone() -> None:
    torch.manual_seed(2)
    reference = torch.rand(1, 1, 40, 40)
    image = reference.clone()
    image[..., 25:] = 0
    head = torch.zeros(1, 1, 40, 40, dtype=torch.bool)
    head[..., :18] = True
    assert dissimilarity_in_head(image, reference, head).item() == pytest.approx(0, abs=1e-6)
    assert dissimilarity_in_head(image, reference, ~head).item() > 0.3


def test_the_weighted_loss_is_the_sum_of_its_parts() -> None:
    torch.manual_seed(3)
    output, reference = torch.rand(2, 1, 16, 18), torch.rand(2, 1, 16, 18)
    head = torch.rand(2, 1, 16, 18) > 0.5
    config = LossConfig(air_weight=0.2, ssim_weight=0.4)
    terms = hybrid_loss(output, reference, Stage(2.0, 3.0), config, head)
    total = 2 * terms.l1 + 3 * terms.tv + 0.4 * terms.dissimilarity
    assert terms.total.item() == pytest.approx(total.item())
    assert terms.l1.item() == pytest.approx(l1(output, reference, head, 0.2).item())
    with pytest.raises(McnetError, match="air_weight"):
        LossConfig(air_weight=-1.0)
