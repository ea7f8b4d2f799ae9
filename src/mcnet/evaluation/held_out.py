"""Whether subjects were held out from the training of a model."""

from collections.abc import Sequence

from mcnet.core.errors import McnetError
from mcnet.correction.models import Model
from mcnet.datasets.subjects import Subject


def check_held_out(subjects: Sequence[Subject], model: Model) -> None:
    """Refuse subjects that a model was trained on or selected by.

    Raises
    ------
    McnetError
        Its card names one of them.
    """
    known = model.card.subjects.known
    seen = sorted(subject.name for subject in subjects if subject.name in known)
    if seen:
        raise McnetError(
            f"{', '.join(seen)}: {model.name} was trained on or chosen by these subjects; try it "
            "on others."
        )
