"""What the tuning scripts share: who may be looked at, what is scanned, and the table.

A constant is tuned on subjects and traces of which no table of ``docs/results`` is made.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import tyro

from mcnet.core.errors import McnetError
from mcnet.datasets.masks import head_mask
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.datasets.subjects import Subject, subjects_named, template_subjects
from mcnet.evaluation.baselines import register_rigidly
from mcnet.evaluation.trial import trial_acquisition
from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.metrics.scale import intensity_scale
from mcnet.metrics.similarity import ssim
from mcnet.motion.formats.files import motion_files, read_motion
from mcnet.motion.generators import generate_motion
from mcnet.motion.trace import Mode, MotionTrace, still
from mcnet.physics.acquisition import Acquisition
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares

TEST_SUBJECTS = frozenset({"sub-09", "sub-10", "sub-11", "sub-13"})
TEST_TRACES = frozenset(f"trace-{number}" for number in ("006", "012", "020", "044", "052", "078"))
"""The tables of docs/results are made of these subjects and traces: nothing is tuned on them."""
_QUICK = Acquisition((16, 40, 40), (256.0, 256.0, 256.0))


@dataclass(frozen=True)
class Inputs:
    """Who is scanned, and how they move."""

    heads: Path | None = None
    """BIDS tree or folder of NIfTI files; without it, variations of the built-in head."""
    motion: Path | None = None
    """Folder of motion files; without it, generated motion."""
    names: tuple[str, ...] = ()
    """Subjects of the folder; without it, the first ones that may be used."""
    n_subjects: int = 2
    n_traces: int = 2
    factors: tuple[float, ...] = (2.0, 8.0)
    """Of the motion, each a scan of its own."""
    pixel_mm: float = 1.0
    """Of the sagittal slices."""
    n_slices: int = 12
    """Central sagittal slices that are scanned."""
    seed: int = 0
    """Of the built-in heads, the generated motion, and the choice of motion files."""
    quick: bool = False
    """Whether one coarse scan of the built-in head is enough: it shows that the script runs."""

    def subjects(self) -> list[Subject]:
        """Subjects that may be used.

        Raises
        ------
        McnetError
            A test subject is asked for.
        """
        if self.quick or self.heads is None:
            return _built_in(1 if self.quick else self.n_subjects, self.seed)
        refused = TEST_SUBJECTS.intersection(self.names)
        if refused:
            raise McnetError(
                f"{', '.join(sorted(refused))} are test subjects, on whom nothing is tuned; "
                "name others."
            )
        there = subjects_named(self.heads, self.names)
        return [one for one in there if one.name not in TEST_SUBJECTS][: self.n_subjects]

    def traces(self) -> list[MotionTrace]:
        """Traces that may be used, as they were recorded or generated."""
        rng = np.random.default_rng([self.seed, 1])
        if self.quick or self.motion is None:
            n = 1 if self.quick else self.n_traces
            return [generate_motion(256, rng) for _ in range(n)]
        files = [one for one in motion_files(self.motion) if one.stem not in TEST_TRACES]
        chosen = rng.permutation(len(files))[: self.n_traces]
        return [read_motion(files[index]) for index in sorted(chosen)]

    def acquisition(self, scan: Volume, *, in_space: bool = False) -> Acquisition:
        """Of slices that cover the scan, or of a volume of cubes."""
        if self.quick:
            return Acquisition((26, 32, 28), _QUICK.fov_mm) if in_space else _QUICK
        in_plane = trial_acquisition(scan, self.pixel_mm)
        if not in_space:
            return in_plane
        n_x = int(np.ceil(in_plane.fov_mm[0] / self.pixel_mm))
        fov_mm = (n_x * self.pixel_mm, *in_plane.fov_mm[1:])
        return Acquisition((n_x, *in_plane.matrix[1:]), fov_mm)

    def scanned(
        self, *, in_space: bool = False, factors: Sequence[float] | None = None
    ) -> Iterator["Scanned"]:
        """Each subject, moving by each trace times each factor."""
        factors = (
            (self.factors[-1:] if self.quick else self.factors) if factors is None else factors
        )
        mode: Mode = "six-dof" if in_space else "rotation+translation"
        for subject in self.subjects():
            scan = subject.load()
            acquisition = self.acquisition(scan, in_space=in_space)
            n_slices = min(4 if self.quick else self.n_slices, acquisition.matrix[0])
            options = RawOptions(n_slices=None if in_space else n_slices)
            rest = simulate_raw(scan, still(acquisition.n_lines), acquisition, options)
            for trace in self.traces():
                lines = trace.resampled(acquisition.n_lines).restricted_to(mode)
                for factor in factors:
                    motion = lines.at_rest_when(acquisition.centre_time).scaled(factor)
                    raw = simulate_raw(scan, motion, acquisition, options)
                    yield Scanned(f"{subject.name}, {trace.name}, x{factor:g}", raw, rest, motion)


@dataclass(frozen=True, eq=False)
class Scanned:
    """A head that was scanned in slices, or as a volume, while it moved."""

    name: str
    raw: RawScan
    rest: RawScan
    """The same without motion."""
    motion: MotionTrace

    @property
    def magnitudes(self) -> np.ndarray:
        """Slices as the scanner shows them, rows along the lines' axis or beside it."""
        return self.raw.planes_of(root_sum_of_squares(self.raw).values)

    @cached_property
    def reference(self) -> np.ndarray:
        """The same slices of the head at rest."""
        return self.rest.planes_of(root_sum_of_squares(self.rest).values)

    def ssim(self, slices: np.ndarray) -> float:
        """SSIM inside the head after registration, mean over slices."""
        scale = intensity_scale(self.reference)
        heads = head_mask(self.reference)
        scores = [
            ssim(
                still / scale,
                register_rigidly(still / scale, one / scale),
                data_range=1.0,
                mask=head,
            )
            for still, one, head in zip(self.reference, slices, heads, strict=True)
            if head.any()
        ]
        return float(np.mean(scores))

    def recovered(self, slices: np.ndarray) -> float:
        """Share of the SSIM deficit of the scan that slices recover."""
        before = self.ssim(self.magnitudes)
        return (self.ssim(slices) - before) / (1 - before)


@cache
def _built_in(n: int, seed: int) -> list[Subject]:
    """Subjects that are made once: that takes longer than a coarse scan of them."""
    return [replace(one, load=cache(one.load)) for one in template_subjects(n, seed)]


def tried(constant: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Yield the first columns of a row for each value, while mcnet has that value.

    Parameters
    ----------
    constant
        Module and name. The value in use is always among those that are tried.
    """
    module, name = constant.rsplit(".", 1)
    __import__(module)
    used = getattr(sys.modules[module], name)
    for value in (used, *(one for one in values if one != used)):
        with mock.patch(constant, value):
            yield {"constant": name, "value": value, "in use": value == used}


def show(doc: str | None, table: Callable[[Inputs], pd.DataFrame]) -> None:
    """Write the table of a script for the arguments of the command line."""
    found = table(tyro.cli(Inputs, description=doc))
    sys.stdout.write(found.to_string(index=False, float_format="{:.4g}".format) + "\n")
