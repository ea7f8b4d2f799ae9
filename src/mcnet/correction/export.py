"""Networks for other programs: ONNX files; the only module that needs the extra ``export``."""

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from mcnet.core.errors import McnetError
from mcnet.core.outputs import ONNX, Given, check_outputs, record_of
from mcnet.core.provenance import provenance
from mcnet.core.records import written_with_record
from mcnet.correction.models import Model
from mcnet.correction.slices import ready_network

INPUT: str = "image"
OUTPUT: str = "corrected"
_USE = (
    "Input: magnitude images (n, images, rows, columns) of sagittal slices, rows from back to "
    "front and columns from bottom to top, divided by the 99.9th percentile of the slices of their "
    "scan that show the head; any number of rows and columns. Output: corrected images on the same "
    "scale, not clipped at zero."
)
_USE_OF_DIFFERENCE = (
    " The second image is what a search for the motion changed in the slice (before minus after), "
    "on the same scale; zero where there was no search."
)


def export_onnx(model: Model, path: Path) -> None:
    """Write a model's network as ONNX, of any number of images, rows and columns.

    What is said of the model goes into the file's metadata: ``mcnet`` holds JSON of its name,
    card, sha256 and provenance, and how to use it. A JSON file beside it tells its own SHA-256.

    Raises
    ------
    McnetError
        `mcnet.core.outputs.check_outputs` refuses the path, or the disk is full.
    ModuleNotFoundError
        The extra ``export`` is not installed.
    """
    check_outputs([Given("", path, ONNX)])
    network = ready_network(model.network, "cpu")
    # An example that is no multiple of the network's own, so that padding becomes part of the file.
    side = 2 * model.network.config.multiple + 1
    with _silent_exporter():
        program = torch.onnx.export(
            network,
            (torch.zeros(2, model.network.config.n_inputs, side, side + 2),),
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: "batch", 2: "rows", 3: "columns"},),
            verbose=False,
        )
    if program is None:
        raise McnetError(
            f"{model.name} could not be exported by this PyTorch; try another version."
        )
    about = {
        **model.about,
        "architecture": model.network.config.architecture,
        "network": model.network.config.settings,
        "provenance": provenance(inputs={"model": model.path}),
        "use": _USE + (_USE_OF_DIFFERENCE if model.network.config.search_difference else ""),
    }
    program.model.metadata_props["mcnet"] = json.dumps(about, sort_keys=True)
    record = {**about["provenance"], "model": model.name}
    with written_with_record(path, record_of(path), record) as temporary:
        program.save(temporary)


@contextmanager
def _silent_exporter() -> Iterator[None]:
    """Keep the exporter's notes on torchvision and on its own insides from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
