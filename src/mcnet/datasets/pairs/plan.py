"""Everything that the bytes of a set of pairs follow from, and the tasks that make them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mcnet import __version__
from mcnet.core.engine import Device
from mcnet.core.provenance import sha256_of_json
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.split import PARTS, Split
from mcnet.datasets.subjects import Subject
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

BLOCK = 16
"""Traces of one task, which are written together as one shard of the store."""
LAYOUT = 2
"""Number of the layout of stores; the first one had no checksums."""


@dataclass(frozen=True)
class PairsPlan:
    """Subjects, traces, how both are parted, and how they are scanned.

    A subject and a trace meet only where both belong to the same part of the split.
    """

    subjects: Sequence[Subject]
    subjects_split: Split
    traces: Sequence[MotionTrace]
    """One pose a phase-encoding line, at full scale; a mode keeps some degrees of freedom."""
    traces_split: Split
    design: PairsDesign
    acquisition: Acquisition
    seed: int
    device: Device = "cpu"
    """What computes; a GPU gives the same images but for rounding."""

    @property
    def inputs(self) -> dict[str, str]:
        """SHA-256 of every subject's scan and of every trace, by name."""
        subjects = {subject.name: subject.fingerprint for subject in self.subjects}
        return subjects | {trace.name: trace_digest(trace) for trace in self.traces}

    @property
    def manifest(self) -> dict[str, Any]:
        """Content of the store as JSON, without its key.

        It says all that the bytes follow from, and neither command nor time: whoever makes the
        same pairs makes the same files.
        """
        return {
            "layout": LAYOUT,
            "subjects": {subject.name: subject.fingerprint for subject in self.subjects},
            "traces": {trace.name: trace_digest(trace) for trace in self.traces},
            "subjects_split": asdict(self.subjects_split),
            "traces_split": asdict(self.traces_split),
            "design": asdict(self.design),
            "acquisition": asdict(self.acquisition),
            "device": self.device,
            "provenance": {"generator": "mcnet", "version": __version__, "seed": self.seed},
        }

    @property
    def key(self) -> str:
        """Digest of the manifest: equal keys, equal pairs."""
        return manifest_key(self.manifest)

    @property
    def n_blocks(self) -> int:
        """Blocks that the traces are cut into."""
        return -(-len(self.traces) // BLOCK)

    def traces_met(self, row: int, block: int) -> list[int]:
        """Indices of the traces of a block that the subject of a row moves by."""
        name = self.subjects[row].name
        part = next(part for part in PARTS if name in getattr(self.subjects_split, part))
        met = indices((trace.name for trace in self.traces), getattr(self.traces_split, part))
        return [column for column in met if column // BLOCK == block]

    def n_images(self, row: int, block: int) -> int:
        """Corrupted images that the subject of a row gets from the traces of a block."""
        n_traces = len(self.traces_met(row, block))
        return n_traces * len(self.design.modes) * self.design.n_slices


def manifest_key(manifest: Mapping[str, Any]) -> str:
    """Digest of a manifest, in which the order of subjects and traces counts."""
    subjects = manifest.get("subjects", manifest.get("people", {}))
    in_order = [list(subjects.items()), list(manifest["traces"].items())]
    return sha256_of_json([manifest, in_order])


def indices(names: Iterable[str], chosen: Iterable[str]) -> list[int]:
    """Places of the chosen names among all names, in their order."""
    members = set(chosen)
    return [row for row, name in enumerate(names) if name in members]


def trace_digest(trace: MotionTrace) -> str:
    """SHA-256 of a trace's shifts and turns."""
    return sha256_of_json([trace.translation_mm.tolist(), trace.rotation_deg.tolist()])
