"""What a trial was made from, for its provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mcnet.core.provenance import Inputs
from mcnet.datasets.subjects import Person
from mcnet.motion.trace import MotionTrace


def trial_inputs(
    people: Sequence[Person],
    traces: Sequence[MotionTrace],
    files: Sequence[Path],
    weights: Mapping[str, Path],
) -> Inputs:
    """Scans of the people, the motion files of the chosen traces, and files of weights, by name.

    Parameters
    ----------
    people, traces
        What was tried on.
    files
        Motion files of one folder; a trace bears the name of its file.
    weights
        Files of weights, by what they do.
    """
    of_name = {file.name: file for file in files}
    scans = {person.name: person.fingerprint for person in people}
    return {**scans, **{trace.name: of_name[trace.name] for trace in traces}, **weights}
