"""Correctors as data: how the networks that come with mcnet are trained.

Where an experiment asks what a recipe of the paper is worth, these are to serve scans of all kinds:
subjects are scanned anew in every epoch, as `mcnet.datasets.varied.scans` says, with generated
motion alone.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mcnet.core.seeds import check_seed
from mcnet.core.settings import read_settings
from mcnet.datasets.varied.config import Variety
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.config import SeverityConfig
from mcnet.networks.registry import Network
from mcnet.training.loss_config import LossConfig
from mcnet.training.shipped.searched_scans import Searches
from mcnet.training.training_config import TrainingConfig


@dataclass(frozen=True)
class ScannedFolder:
    """Subjects of one folder, and how often each is scanned."""

    folder: str
    """A BIDS tree or a folder of NIfTI files; relative paths start at the corrector's file."""
    scans_per_subject: int = 4
    """Scans of each subject in an epoch."""
    validation: tuple[str, ...] = ()
    """Subjects that choose among the epochs."""
    held_out: tuple[str, ...] = ()
    """Subjects that are not looked at, for tests."""


@dataclass(frozen=True)
class Corrector:
    """How a network is trained to correct scans of all kinds."""

    name: str
    """What users call it by."""
    purpose: str
    """For whom it is, in a sentence."""
    data: str
    """What it learned from, in a sentence of the model card."""
    subjects: tuple[ScannedFolder, ...]
    teaches: Literal["correction", "severity"] = "correction"
    """What the network learns: to correct slices, or to estimate how far the head moved."""
    contrast: str = "T1w"
    """Of the scans, by the suffix that BIDS has for them."""
    start: str = ""
    """A model that comes with mcnet, whose weights training starts from; none if empty."""
    seed: int = 1
    searches: Searches = field(default_factory=Searches)
    """Whether the network that corrects learns from scans after a search for the motion."""
    variety: Variety = field(default_factory=Variety)
    network: Network = field(default_factory=UNetConfig)
    """Of a network that corrects; ``architecture`` chooses its kind."""
    severity_network: SeverityConfig = field(default_factory=SeverityConfig)
    """Of a severity estimator."""
    loss: LossConfig = field(default_factory=LossConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    licence: str = "Apache-2.0"
    """Of the weights."""
    limits: tuple[str, ...] = ()
    """What it cannot do, in sentences of the model card."""

    def __post_init__(self) -> None:
        """Refuse a seed that no generator takes."""
        check_seed(self.seed)


def read_corrector(path: Path) -> Corrector:
    """Corrector of a TOML file.

    Raises
    ------
    McnetError
        As `mcnet.core.settings.read_settings`.
    """
    return read_settings(path, Corrector)
