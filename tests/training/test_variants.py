import pytest

from mcnet.core.errors import McnetError
from mcnet.networks.architectures.residual_cnn import ResidualCNNConfig
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.training.losses import LossConfig
from mcnet.training.training_config import TrainingConfig
from mcnet.training.variants import MCNET, ModelSettings, Variant, settings_of

GIVEN = (UNetConfig(levels=3, width=5), LossConfig(), TrainingConfig(epochs=7))


def settings(label: str, **variants: Variant) -> ModelSettings:
    return settings_of(label, variants, *GIVEN)


def test_a_recipe_has_the_settings_as_given() -> None:
    assert settings("l1+tv") == ModelSettings("l1+tv", *GIVEN)


def test_a_variant_differs_in_what_it_names_alone() -> None:
    wide = Variant("l1+tv-ft", network={"width": 9}, training={"average": 0.5})
    found = settings("wide", wide=wide)
    assert found.recipe == "l1+tv-ft"
    assert found.network == UNetConfig(levels=3, width=9)
    assert found.training == TrainingConfig(epochs=7, average=0.5)
    assert found.loss == LossConfig()


def test_a_variant_of_a_variant_has_both_differences_and_its_own_wins() -> None:
    one = Variant("l1", loss={"ssim_weight": 1.0, "air_weight": 0.5})
    two = Variant("one", loss={"air_weight": 0.0})
    assert settings("two", one=one, two=two).loss == LossConfig(ssim_weight=1.0, air_weight=0.0)


def test_mcnet_is_known_to_all_and_can_be_varied() -> None:
    whole = settings("mcnet")
    assert whole.training.epochs == 7
    assert (whole.network.head, whole.network.levels) == ("residual", 3)
    without = settings("plain", plain=Variant("mcnet", training={"aligned": False}))
    assert whole.training.aligned
    assert not without.training.aligned
    assert without.network == whole.network
    assert MCNET.like == "l1"


def test_a_variant_of_another_architecture_starts_from_its_defaults() -> None:
    other = Variant("l1", network={"architecture": "residual-cnn", "blocks": 3})
    assert settings("other", other=other).network == ResidualCNNConfig(blocks=3)
    wrong = Variant("l1", network={"architecture": "resnet"})
    with pytest.raises(McnetError, match=r"variants\.wrong\.network: .*choose from residual-cnn"):
        settings("wrong", wrong=wrong)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (Variant("l2"), "'l2' is neither a recipe nor a variant"),
        (Variant("mine"), "is like itself"),
        (Variant("l1", network={"widht": 9}), r"did you mean width\?"),
        (Variant("l1", network={"width": 0}), "network width 0 is impossible"),
        (Variant("l1", loss={"tv_target": "input"}), "variants.mine.loss"),
    ],
)
def test_what_cannot_be_trained_is_refused(variant: Variant, message: str) -> None:
    with pytest.raises(McnetError, match=message):
        settings("mine", mine=variant)
