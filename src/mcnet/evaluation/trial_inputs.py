"""The inputs of a trial, for its provenance."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mcnet.core.provenance import Inputs
from mcnet.datasets.subjects import Subject
from mcnet.motion.trace import MotionTrace


def trial_inputs(
    subjects: Sequence[Subject],
    traces: Sequence[MotionTrace],
    files: Sequence[Path],
    weights: Mapping[str, Path],
) -> Inputs:
    """Scans of the subjects, the motion files of the chosen traces, and files of weights, by name.

    Parameters
    ----------
    subjects, traces
        What was tried on.
    files
        Motion files of one folder; a trace bears the name of its file.
    weights
        Files of weights, by what they do.
    """
    of_name = {file.name: file for file in files}
    scans = {subject.name: subject.fingerprint for subject in subjects}
    return {**scans, **{trace.name: of_name[trace.name] for trace in traces}, **weights}
