"""What cannot be trained, and why, in a sentence each."""

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.networks.config import NetworkConfig
from mcnet.training.batches import sizes_of_batches
from mcnet.training.on_the_fly_batches import SimulatedScans
from mcnet.training.processes import Processes
from mcnet.training.training_config import TrainingConfig

TrainingSet = ImagePairs | SimulatedScans


def check_trainable(
    train: TrainingSet,
    validation: ImagePairs,
    network: NetworkConfig,
    training: TrainingConfig,
    processes: Processes,
) -> None:
    """Refuse sets, networks and settings that do not go together, before any work."""
    for name, pairs in (("training", train), ("validation", validation)):
        if not isinstance(pairs, ImagePairs):
            continue  # they refuse by themselves to be empty
        if len(pairs) == 0:
            raise McnetError(
                f"the {name} set is empty; give it at least one pair: more subjects or traces, or "
                "another split."
            )
        if not pairs.input_scale.min() > 0:
            raise McnetError(
                f"the {name} set has an input scale of {pairs.input_scale.min():g}; every scan "
                "needs a positive one: leave out scans that are empty."
            )
    sizes = _image_size(train), _image_size(validation)
    if sizes[0] != sizes[1]:
        raise McnetError(
            f"training images have {sizes[0]} pixels and validation images {sizes[1]}; simulate "
            "both with the same matrix."
        )
    if network.search_difference and (not isinstance(train, ImagePairs) or train.undone is None):
        raise McnetError(
            "a network that sees what a search for the motion changed needs searched scans; give "
            "the corrector searches, or set search_difference to false."
        )
    _check_several_values(train, network, training)
    check_no_idle_process(len(train), training.batch_size, processes)


def check_no_idle_process(n_images: int, batch_size: int, processes: Processes) -> None:
    """Refuse batches that have no image for some of the processes."""
    smallest_batch = min(sizes_of_batches(n_images, batch_size))
    if smallest_batch < processes.n:
        raise McnetError(
            f"{n_images} images make batches of {smallest_batch}, too few for {processes.n} "
            "processes; give more subjects or scans, a larger batch_size, or fewer --devices or "
            "--nodes."
        )


def _image_size(pairs: TrainingSet) -> tuple[int, ...]:
    return pairs.corrupted.shape[1:] if isinstance(pairs, ImagePairs) else pairs.image_size


def _check_several_values(
    train: TrainingSet, network: NetworkConfig, training: TrainingConfig
) -> None:
    """Refuse batches that leave batch norm one value a channel, whose variance is none."""
    rows, columns = _image_size(train)
    smallest_batch = min(sizes_of_batches(len(train), training.batch_size))
    n_normalised = network.n_normalised(rows, columns)
    if n_normalised is not None and smallest_batch * n_normalised == 1:
        raise McnetError(
            f"batches of 1 image of {rows} x {columns} pixels ({len(train)} images, batch_size "
            f"{training.batch_size}) leave one value a channel to batch norm, which needs 2 or "
            "more; give a larger batch_size, or a network that halves the image less often "
            "(levels)."
        )
