"""What a user would pick instead, each in a function of its own with its conventions.

Every function does outside the clock what it can: it imports its package, lays the points out as
that package wants them, and computes the phase of the shifts. Ours gets no such help: it is given
poses and makes points and phase within the clock. Every side uses all cores.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import finufft
import numpy as np
from scans import Scan, images_of

from mcnet.core.engine import ALL_CORES, Engine, n_cores
from mcnet.physics.fourier import centred_ifft
from mcnet.physics.nufft import TOLERANCE, UPSAMPLING, spectrum_at
from mcnet.physics.simulator import (
    _moved_image,
    corrupt_still_slices,
    corrupt_volume,
    slices_to_corrupt,
)

Call = Callable[[], np.ndarray]


@dataclass(frozen=True, eq=False)
class Peer:
    """One side of a comparison."""

    name: str
    new_trace: Call
    """What each new trace costs."""
    ready: Call | None = None
    """The same with all that depends on the points done before; nothing if that is no less."""
    to_images: Callable[[np.ndarray], np.ndarray] | None = lambda images: images
    """Images of what comes out, outside the clock; nothing if they are of another model."""
    rounds: int | None = None
    """Timed runs of a side that is too slow for as many as the others."""


def ours(scan: Scan, engine: Engine = ALL_CORES) -> Peer:
    """mcnet: poses in, images out. Slices are made ready for all traces, outside the clock."""
    if len(scan.axes) == 2:
        ready = slices_to_corrupt(scan.images, scan.voxel_size_mm, engine)
        return Peer("mcnet", lambda: corrupt_still_slices(ready, scan.motion, scan.acquisition))
    arguments = (scan.voxel_size_mm, scan.motion, scan.acquisition, engine)
    return Peer("mcnet", lambda: corrupt_volume(scan.images[0], *arguments)[None])


def making_ready(scan: Scan) -> Peer:
    """What mcnet does once for all traces of the same slices; nothing comes out."""

    def call() -> np.ndarray:
        slices_to_corrupt(scan.images, scan.voxel_size_mm)
        return scan.images

    return Peer("mcnet, making slices ready (once a subject)", call, to_images=None)


def ours_once(scan: Scan) -> Peer:
    """Mcnet's slices of a head that is not to move again: nothing is made ready.

    The same transform as `mcnet.physics.simulator.corrupt_slices`, without cutting the slices.
    """
    size = scan.voxel_size_mm[1:]

    def call() -> np.ndarray:
        return _moved_image(
            lambda frequencies: spectrum_at(scan.images, size, frequencies, ALL_CORES),
            *(size, scan.motion, scan.acquisition, (1, 2), ALL_CORES),
        )

    return Peer("mcnet, one trace alone", call)


def bare_finufft(
    scan: Scan, *, upsampling: float | None = UPSAMPLING, rounds: int | None = None
) -> Peer:
    """Return finufft's one-line call with our tolerance: k-space without phase, and no image.

    Points are in radians per voxel and the origin is voxel ``n // 2``, as ours. Without
    ``upsampling`` finufft takes its default, 2 at this tolerance. The points are ready in
    ``ready``, which only executes the plan.
    """
    transform = {2: finufft.nufft2d2, 3: finufft.nufft3d2}[len(scan.axes)]
    images = np.ascontiguousarray(scan.images, dtype=np.complex64)
    options = {"eps": TOLERANCE, "isign": -1} | ({"upsampfac": upsampling} if upsampling else {})
    plan = finufft.Plan(2, images.shape[1:], n_trans=len(images), dtype="complex64", **options)
    plan.setpts(*scan.points_single)
    name = "finufft, our settings" if upsampling else "finufft, default upsampling"
    return Peer(
        f"{name} (no phase, no image)",
        lambda: transform(*scan.points_single, images, **options),
        lambda: plan.execute(images),
        lambda spectra: images_of(spectra, scan),
        rounds,
    )


def torchkbnufft(scan: Scan, *, rounds: int | None = None) -> Peer:
    """Return torchkbnufft's ``KbNufft`` in its default settings, complex64, images in one batch.

    ``omega`` is in radians per voxel, one row an axis; the origin is voxel ``n // 2`` and the sum
    has no factor. The object knows the image size alone, not the points: it is made once, outside
    the clock, so that there is nothing more to make ready.
    """
    with warnings.catch_warnings():  # it still compiles by torch.jit.script
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch
        from torchkbnufft import KbNufft

    torch.set_num_threads(n_cores())
    images = torch.from_numpy(np.ascontiguousarray(scan.images, dtype=np.complex64))[:, None]
    omega = torch.from_numpy(np.stack(scan.points_single))
    transform = KbNufft(im_size=tuple(images.shape[2:]))
    factor = scan.factor.astype(np.complex64)

    def call() -> np.ndarray:
        with torch.no_grad():
            return _image(transform(images, omega).numpy(), factor)

    return Peer("torchkbnufft", call, rounds=rounds)


def mri_nufft(scan: Scan, *, rounds: int | None = None) -> Peer:
    """mri-nufft's finufft operator as its documentation makes it: a new one for new points.

    Samples are rows of radians per voxel. (It takes samples that all lie within 0.5 for cycles;
    ours reach pi / 2.) It divides by ``sqrt(prod(shape) 2^d)``, which we undo. Its tolerance is
    1e-6 and its upsampling 2.
    """
    get_operator, samples, images = _for_mri_nufft(scan)

    def make() -> Callable[[np.ndarray], np.ndarray]:
        operator = get_operator("finufft")(samples, scan.images.shape[1:], n_batchs=len(images))
        return operator.op  # type: ignore[no-any-return]

    factor = _scaled_factor(scan)
    transform = make()
    return Peer(
        "mri-nufft (finufft)",
        lambda: _image(make()(images), factor),
        lambda: _image(transform(images), factor),
        rounds=rounds,
    )


def mri_nufft_tuned(scan: Scan, *, rounds: int | None = None) -> Peer:
    """mri-nufft with finufft's settings from mcnet, all images in one plan, the operator kept.

    What an expert gets out of it: ``update_samples`` sets the new points of the same operator.
    """
    get_operator, samples, images = _for_mri_nufft(scan)
    operator = get_operator("finufft")(
        samples,
        scan.images.shape[1:],
        n_batchs=len(images),
        n_trans=len(images),
        eps=TOLERANCE,
        upsampfac=UPSAMPLING,
    )
    factor = _scaled_factor(scan)

    def new_trace() -> np.ndarray:
        operator.update_samples(samples)
        return _image(operator.op(images), factor)

    return Peer(
        "mri-nufft, tuned to our settings",
        new_trace,
        lambda: _image(operator.op(images), factor),
        rounds=rounds,
    )


def torchio_motion(scan: Scan, *, n_poses: int = 8, rounds: int | None = None) -> Peer:
    """TorchIO's ``RandomMotion``: k-space pieced together from that many turned volumes.

    Another model. The volume is turned and shifted in the image domain by linear interpolation,
    a few random poses share k-space between them, and the result is on the volume's own grid.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import torch
        import torchio

    torch.set_num_threads(n_cores())
    torch.manual_seed(0)
    image = torchio.ScalarImage(tensor=torch.from_numpy(scan.images))
    subject = torchio.Subject(head=image)
    transform = torchio.RandomMotion(num_transforms=n_poses)
    return Peer(
        f"TorchIO RandomMotion({n_poses}), another model",
        lambda: transform(subject)["head"].numpy(),
        to_images=None,
        rounds=rounds,
    )


def _for_mri_nufft(scan: Scan) -> tuple[Callable, np.ndarray, np.ndarray]:
    from mrinufft import get_operator

    images = np.ascontiguousarray(scan.images, dtype=np.complex64)[:, None]
    return get_operator, np.stack(scan.points_single, axis=1), images


def _scaled_factor(scan: Scan) -> np.ndarray:
    """Phase that also undoes mri-nufft's division."""
    source = scan.images.shape[1:]
    return (scan.factor * np.sqrt(np.prod(source) * 2 ** len(source))).astype(np.complex64)


def _image(spectra: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Images of spectra: the phase and the inverse transform that every side needs."""
    kspace = spectra.reshape(-1, *factor.shape) * factor
    return centred_ifft(kspace, tuple(range(1, kspace.ndim)), ALL_CORES)
