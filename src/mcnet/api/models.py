"""The models that correct."""

from pathlib import Path
from typing import TYPE_CHECKING

from mcnet.core.extras import check_extra
from mcnet.correction.default_model import DEFAULT_MODEL

if TYPE_CHECKING:
    from mcnet.correction.models import Model


def load_model(model: "str | Path | Model" = DEFAULT_MODEL) -> "Model":
    """Return a model that corrects, to be given to `mcnet.correct` for many scans.

    Parameters
    ----------
    model
        Name of one that comes with mcnet (``mcnet models`` lists them), or the path of a file of
        weights. A model that is loaded comes back as it is.

    Returns
    -------
    Model
        With ``name``, ``sha256`` of the weights, ``card`` (data, licence, metrics, limits) and the
        ``trained_pixel_mm`` that it is meant for.

    Raises
    ------
    MissingExtraError
        PyTorch is not installed.
    McnetError
        There is no such model, or its file is damaged or not mcnet's.

    Examples
    --------
    >>> load_model("t1w-1mm").trained_pixel_mm
    (1.0, 1.35)
    """
    check_extra("train", "a model", ("safetensors", "torch"))
    from mcnet.correction import models

    if isinstance(model, models.Model):
        return model
    return models.load_model(str(model))
