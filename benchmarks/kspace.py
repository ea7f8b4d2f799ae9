"""Reconstruction from raw k-space: 24 slices of 128 x 128 that share one trace, one coil.

Run it as ``python benchmarks/kspace.py``; it prints its part of the page. The head is the built-in
one, the motion generated. The peer is the transform that everything else consists of: one pair of
finufft's own calls, forth and back, for all slices.
"""

from collections.abc import Callable

import finufft
import numpy as np
import page
from timing import take_turns

from mcnet.correction.initial_image import network_image
from mcnet.correction.models import load_model
from mcnet.datasets.raw_simulation import RawOptions, simulate_raw
from mcnet.datasets.subjects import template_subjects
from mcnet.motion.generators import generate_motion
from mcnet.physics.acquisition import Acquisition
from mcnet.physics.nufft import PLANNED_TOLERANCE, PLANNED_UPSAMPLING
from mcnet.reconstruction.outcome import Reconstruction
from mcnet.reconstruction.reconstruct import reconstruct
from mcnet.reconstruction.root_sum_of_squares import root_sum_of_squares

N_SLICES, SIDE, FACTOR = 24, 128, 20.0
_ROUNDS, _SLOW = 5, 2
_MOST_S = 120.0
PAIR, KNOWN, UNKNOWN = "one pair of finufft calls", "motion given", "motion estimated"


def run() -> page.Section:
    """Seconds of a reconstruction with motion that is given, and with motion that is estimated."""
    acquisition = Acquisition((48, SIDE, SIDE), (256.0, 256.0, 256.0))
    generated = generate_motion(SIDE, np.random.default_rng(1)).at_rest_when(SIDE // 2)
    motion = generated.restricted_to("rotation+translation").scaled(FACTOR)
    (subject,) = template_subjects(1, seed=1)
    raw = simulate_raw(subject.load(), motion, acquisition, RawOptions(n_slices=N_SLICES))
    network = load_model("paper-2mm")

    def estimated() -> Reconstruction:
        initial_image = network_image(root_sum_of_squares(raw), network)
        return reconstruct(raw, motion=None, initial_image=initial_image)

    times = take_turns(
        {
            PAIR: _pair_of_calls(),
            KNOWN: lambda: reconstruct(raw, motion=motion),
            UNKNOWN: estimated,
        },
        _ROUNDS,
        {KNOWN: _SLOW, UNKNOWN: _SLOW},
    )
    rows = [
        (name, str(one), f"{one.median / times[PAIR].median:.0f}") for name, one in times.items()
    ]
    found = times[UNKNOWN].median
    return page.Section(
        "Reconstruction from raw k-space",
        [
            f"{N_SLICES} slices of {SIDE} x {SIDE} of the built-in head that share one trace, one "
            "coil, from k-space in memory to an image, with the network's image and the data-"
            "consistency check. The peer is one pair of bare finufft calls, forth and back, for "
            "all slices.",
            page.table(("side", "time", "pairs of calls"), rows),
        ],
        [page.Target("motion estimated: under 2 minutes", found, found < _MOST_S)],
    )


def _pair_of_calls() -> Callable[[], None]:
    rng = np.random.default_rng(2)
    points = [rng.uniform(-np.pi, np.pi, SIDE**2).astype(np.float32) for _ in range(2)]
    images = rng.normal(size=(N_SLICES, SIDE, SIDE)).astype(np.complex64)
    options = {"eps": PLANNED_TOLERANCE, "upsampfac": PLANNED_UPSAMPLING}

    def pair() -> None:
        spectra = finufft.nufft2d2(*points, images, isign=-1, **options)
        finufft.nufft2d1(*points, spectra, (SIDE, SIDE), isign=1, **options)

    return pair


if __name__ == "__main__":
    page.show(run())
