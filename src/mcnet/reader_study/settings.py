"""What readers are asked: the study's TOML file, whose words may be edited."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import tomli_w

from mcnet.core.errors import McnetError
from mcnet.core.settings import read_settings
from mcnet.core.writing import write_text

Design = Literal["scores", "choice"]
"""One image at a time on five-point scales, or which of two images is better."""
N_POINTS = 5


@dataclass(frozen=True)
class Criterion:
    """One five-point scale; the first label stands for 1, the worst, the last for 5, the best."""

    name: str
    """What the criterion is called in tables; it stays as it is once somebody has read."""
    question: str
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a scale of another length, or without a name."""
        if len(self.labels) != N_POINTS or not self.name.strip():
            raise McnetError(
                f"criterion {self.name!r} has {len(self.labels)} labels; give it a name and "
                f"{N_POINTS} labels, from the worst to the best."
            )


CRITERIA = (
    Criterion(
        "motion artefact",
        "How strong are motion artefacts?",
        ("severe", "marked", "moderate", "mild", "none"),
    ),
    Criterion(
        "sharpness",
        "How sharp are edges and small structures?",
        ("very blurred", "blurred", "acceptable", "sharp", "very sharp"),
    ),
    Criterion(
        "diagnostic usability",
        "Could this image be used for diagnosis?",
        ("unusable", "poor", "acceptable", "good", "excellent"),
    ),
)


@dataclass(frozen=True)
class StudySettings:
    """Every word that readers see; ``criteria`` are for scores, ``question`` is for a choice."""

    title: str = "Reader study"
    instructions: str = "Judge what you see, as you would in practice."
    question: str = "Which image is better?"
    criteria: tuple[Criterion, ...] = field(default=CRITERIA)

    def __post_init__(self) -> None:
        """Refuse criteria that cannot be told apart."""
        names = [criterion.name for criterion in self.criteria]
        if not names or len(set(names)) < len(names):
            raise McnetError(
                f"the criteria are {', '.join(names) or 'none'}; give one or more, each with a "
                "name of its own."
            )


def write_study_settings(path: Path, settings: StudySettings) -> None:
    """Write every word as TOML, to be edited."""
    head = (
        "# What readers see. Words may be edited; mcnet readers serve reads them when it starts.\n"
        "# The names and the number of the criteria stay as they are.\n"
    )
    write_text(path, head + tomli_w.dumps(asdict(settings)))


def read_study_settings(path: Path) -> StudySettings:
    """The words of a study.

    Raises
    ------
    McnetError
        The file is missing, no TOML, or has an unknown key or an impossible value.
    """
    return read_settings(path, StudySettings)
