"""How training is set: epochs, batches, learning rate, and where it runs."""

from dataclasses import dataclass
from typing import Literal

from mcnet.errors import McnetError

Schedule = Literal["constant", "cosine", "one-cycle"]
SCHEDULES: tuple[Schedule, ...] = ("constant", "cosine", "one-cycle")
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
    fresh_motion: bool = False
    """Every training scan moves anew, by the generator, instead of by the fixed set's traces;
    validation and test stay fixed."""
    device: Device = "cpu"
    """Where to train; "auto" takes a GPU where there is one."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        for name, number in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if not isinstance(number, int) or number < 1:
                raise McnetError(f"{name} {number!r} is impossible; give a whole number from 1 on.")
        for name, value in (
            ("learning_rate", self.learning_rate),
            ("fine_tune_factor", self.fine_tune_factor),
        ):
            if not 0 < value < float("inf"):
                raise McnetError(f"{name} {value!r} is impossible; give a positive number.")
        if self.schedule not in SCHEDULES:
            raise McnetError(f"schedule {self.schedule!r} is none of {', '.join(SCHEDULES)}.")
        if self.device not in DEVICES:
            raise McnetError(f"device {self.device!r} is none of {', '.join(DEVICES)}.")
