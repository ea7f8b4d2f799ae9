"""Training scans of all kinds, made anew in every epoch.

A description, not an array, as `mcnet.datasets.pairs.on_the_fly`: what a scan shows follows from
seed, epoch and number alone. Where the paper's pairs are one acquisition of many heads, these are
what a corrector meets in practice.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.core.provenance import sha256_of_json
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.subjects import Subject
from mcnet.datasets.varied.config import Variety
from mcnet.datasets.varied.scan import StillHead, VariedScan, slice_places, still_head, varied_scan

# streams of random numbers, one a purpose, beside those of `mcnet.datasets.pairs.on_the_fly`
_SUBJECTS, _SCANS = range(3_000_000, 3_000_002)


@dataclass(frozen=True, eq=False)
class VariedScans:
    """Subjects who are scanned anew in every epoch, each as often as is asked."""

    subjects: Sequence[Subject]
    scans_per_subject: Sequence[int]
    """Scans of each subject in an epoch."""
    variety: Variety
    seed: int
    _held: dict[int, StillHead] = field(default_factory=dict, init=False, repr=False)
    """Heads that were loaded by this process."""

    def __post_init__(self) -> None:
        """Refuse a set without scans."""
        if len(self.subjects) != len(self.scans_per_subject) or sum(self.scans_per_subject) < 1:
            raise McnetError(
                f"{len(self.subjects)} subjects scanned {list(self.scans_per_subject)} times give "
                "nothing to train on; give every subject a number of scans."
            )

    def __len__(self) -> int:
        """Return the number of slices in an epoch."""
        return self.n_scans * self.variety.slices_per_scan

    @property
    def n_scans(self) -> int:
        """Scans in an epoch."""
        return sum(self.scans_per_subject)

    @property
    def image_size(self) -> tuple[int, int]:
        """Rows and columns of every image."""
        return self.variety.matrix, self.variety.matrix

    @property
    def sha256(self) -> str:
        """Digest of everything that the scans follow from."""
        subjects = [[subject.name, subject.fingerprint] for subject in self.subjects]
        return sha256_of_json(
            [subjects, list(self.scans_per_subject), asdict(self.variety), self.seed]
        )

    def scan(
        self,
        epoch: int,
        index: int,
        *,
        n_spread: int = 0,
        like: VariedScan | None = None,
        subject: int | None = None,
    ) -> VariedScan:
        """One scan of an epoch, the same whenever and wherever it is made.

        With ``n_spread`` so many slices are spread over the head, instead of being neighbours; with
        ``like`` it moves as another scan; ``subject`` is that of `subject_of`, if no other is asked
        for.

        Raises
        ------
        McnetError
            The subject's scan cannot be read, or hardly any generated motion keeps the bounds.
        """
        rng = np.random.default_rng([self.seed, _SCANS, epoch, index])
        head = self._head(self.subject_of(epoch, index) if subject is None else subject)
        # one thread, since the number of threads changes the rounding of products
        with threadpool_limits(limits=1):
            places = slice_places(head, self.variety, n_spread, rng)
            return varied_scan(head, places, self.variety, rng, like=like)

    def subject_of(self, epoch: int, index: int) -> int:
        """Number of the subject whose scan it is: in each epoch all in another order."""
        everybody = np.repeat(np.arange(len(self.subjects)), self.scans_per_subject)
        in_turn = np.random.default_rng([self.seed, _SUBJECTS, epoch]).permutation(everybody)
        return int(in_turn[index % len(in_turn)])

    def fixed_pairs(
        self, *, epoch: int = 0, n_spread: int = 0, on_progress: OnProgress | None = None
    ) -> ImagePairs:
        """The scans of one epoch as a fixed set, for validation; ``n_spread`` as for `scan`."""
        scans = []
        for index in range(self.n_scans):
            scans.append(self.scan(epoch, index, n_spread=n_spread))
            if on_progress:
                on_progress(index + 1, self.n_scans)
        n_slices = [len(scan.corrupted) for scan in scans]
        table = pd.DataFrame({"severity_mm": np.repeat([s.severity_mm for s in scans], n_slices)})
        return ImagePairs(
            corrupted=np.concatenate([scan.corrupted for scan in scans]),
            references=np.concatenate([scan.references for scan in scans]),
            heads=np.concatenate([scan.heads for scan in scans]),
            reference_index=np.arange(sum(n_slices), dtype=np.int64),
            input_scale=np.repeat([scan.input_scale for scan in scans], n_slices).astype(
                np.float32
            ),
            table=table,
        )

    def _head(self, number: int) -> StillHead:
        if number not in self._held:
            self._held[number] = still_head(self.subjects[number])
        return self._held[number]

    def __getstate__(self) -> dict[str, object]:
        """Return what goes to other processes; they load for themselves."""
        return self.__dict__ | {"_held": {}}
