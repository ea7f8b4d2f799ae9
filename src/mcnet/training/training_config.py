"""How training is set: epochs, batches, learning rate, and where it runs."""

from dataclasses import dataclass
from typing import Literal

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.training_traces import SHARED_TRACES, SharedTraces

Schedule = Literal["constant", "cosine", "one-cycle"]
SCHEDULES: tuple[Schedule, ...] = ("constant", "cosine", "one-cycle")
TrainingMotion = Literal["fixed", "generated", "recorded"]
TRAINING_MOTIONS: tuple[TrainingMotion, ...] = ("fixed", "generated", "recorded")
Device = Literal["auto", "cpu", "cuda"]
DEVICES: tuple[Device, ...] = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class TrainingConfig:
    """How every stage is trained: the paper's 100 epochs of Adam by default."""

    epochs: int = 100
    """Epochs of each stage of a recipe."""
    batch_size: int = 16
    """Images a step, or a few less, so that all steps of an epoch have equally many."""
    learning_rate: float = 1e-3
    """Adam's, at its highest."""
    fine_tune_factor: float = 1.0
    """Times the learning rate in a stage that starts from another's weights."""
    schedule: Schedule = "constant"
    """Learning rate within a stage: level, falling to zero as a half cosine, or up and down."""
    flips: bool = False
    """Mirror whole batches at random, up-down and left-right."""
    motion: TrainingMotion = "fixed"
    """How training heads move: by the fixed set's traces; anew in every epoch by the generator; or
    anew by training traces that are mirrored, reversed and scaled at random. Validation and test
    stay fixed."""
    aligned: bool = False
    """Whether poses are measured from their mean, weighted by the k-space that they move, so that
    image and reference lie together, instead of from the pose at the k-space centre."""
    shared_traces: SharedTraces = "none"
    """Test traces that training subjects move by too, in the place of as many others: a leak, made
    on purpose to see what it is worth. Even and odd ones are counted from 0, by name."""
    n_traces: int = 0
    """Traces to train by, some of the training part's; 0 takes as many as it has."""
    curriculum_epochs: int = 0
    """Epochs over which fresh motion grows from a quarter to its whole size."""
    slices_per_epoch: int = 0
    """Slices drawn for an epoch, about; 0 takes all of the set."""
    average: float = 0.0
    """Decay, a step, of the moving average of weights that is kept; 0 keeps the weights."""
    mixed_precision: bool = False
    """Compute the network in bfloat16: some CPUs and all GPUs are faster so."""
    device: Device = "cpu"
    """Where to train; "auto" takes a GPU where there is one."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        for name, number in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if not isinstance(number, int) or number < 1:
                raise McnetError(f"{name} {number!r} is impossible; give a whole number from 1 on.")
        for name, number in (
            ("curriculum_epochs", self.curriculum_epochs),
            ("slices_per_epoch", self.slices_per_epoch),
            ("n_traces", self.n_traces),
        ):
            if number < 0:
                raise McnetError(f"{name} {number} is impossible; give a whole number from 0 on.")
        if not 0 <= self.average < 1:
            raise McnetError(
                f"average {self.average} is no decay; give a number from 0 to below 1, as .999."
            )
        for name, value in (
            ("learning_rate", self.learning_rate),
            ("fine_tune_factor", self.fine_tune_factor),
        ):
            if not 0 < value < float("inf"):
                raise McnetError(f"{name} {value!r} is impossible; give a positive number.")
        if self.schedule not in SCHEDULES:
            raise McnetError(f"schedule {self.schedule!r} is none of {', '.join(SCHEDULES)}.")
        if self.motion not in TRAINING_MOTIONS:
            raise McnetError(f"motion {self.motion!r} is none of {', '.join(TRAINING_MOTIONS)}.")
        if self.shared_traces not in SHARED_TRACES:
            raise McnetError(
                f"shared_traces {self.shared_traces!r} is none of {', '.join(SHARED_TRACES)}."
            )
        if self.motion == "generated" and (self.shared_traces != "none" or self.n_traces):
            raise McnetError(
                f"shared_traces {self.shared_traces!r} and n_traces {self.n_traces} choose among "
                'traces, and generated motion has none; set motion to "fixed" or "recorded".'
            )
        if self.curriculum_epochs and self.motion == "fixed":
            raise McnetError(
                f"curriculum_epochs {self.curriculum_epochs} needs motion that is drawn anew; set "
                'motion to "generated" or "recorded", or curriculum_epochs to 0.'
            )
        if self.device not in DEVICES:
            raise McnetError(f"device {self.device!r} is none of {', '.join(DEVICES)}.")
