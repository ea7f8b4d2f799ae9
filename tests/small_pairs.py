"""A small store of pairs of ellipsoids, what it is made of, and what it holds."""

import numpy as np
from properties import ellipsoid

from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.plan import PairsPlan
from mcnet.datasets.split import Split
from mcnet.datasets.subjects import Subject
from mcnet.io.volume import Volume
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

SHAPE, SIZE = (33, 37, 35), (4.0, 4.0, 4.0)
SCAN = Acquisition(matrix=(24, 26, 22), fov_mm=(144.0, 156.0, 143.0))


def subject(name, radius_mm, loads=None):
    values = ellipsoid(SHAPE, SIZE, centre_mm=(4, 0, 0), radii_mm=(radius_mm, 55.0, 50.0))
    values = values * np.linspace(0.5, 1.5, SHAPE[1], dtype=np.float32)[:, None] * 300
    volume = Volume(values, np.diag([*SIZE, 1.0]), name)

    def load():
        if loads is not None:
            loads.append(name)
        return volume

    return Subject(name, load, f"fingerprint of {name}")


def trace(name, rng):
    return MotionTrace(3 * rng.normal(size=(26, 3)), 4 * rng.normal(size=(26, 3)), name=name)


def drawn_plan(rng):
    """Four subjects and four traces: two of each to train with."""
    return PairsPlan(
        subjects=[
            subject(name, radius)
            for name, radius in (("a", 40.0), ("b", 45.0), ("c", 50.0), ("d", 38.0))
        ],
        subjects_split=Split(("a", "c"), ("b",), ("d",)),
        traces=[trace(name, rng) for name in ("t1", "t2", "t3", "t4")],
        traces_split=Split(("t1", "t3"), ("t4",), ("t2",)),
        design=PairsDesign(n_slices=5, spacing_mm=15.0),
        acquisition=SCAN,
        seed=3,
    )
