"""The still head behind k-space whose motion is known: least squares by conjugate gradients.

What is minimised is ``sum over lines of w |scan(f) - kspace|^2 + ridge |f - towards|^2``, for each
image by itself. The ridge decides what becomes of frequencies that nobody measured, since the head
had turned away from them: they stay near those of another image, or zero, instead of filling with
noise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.physics.broadcasting import along_axis
from mcnet.physics.conjugate_gradients import StackOfImages, conjugate_gradients
from mcnet.reconstruction.operator import CoilScan

Kspace = Complex64[np.ndarray, "n_coils n_images *shape"]
Images = Shaped[np.ndarray, "n_images *shape"]


@dataclass(frozen=True)
class SolverSettings:
    """When conjugate gradients stop, and how much they are held back."""

    ridge: float = 0.02
    """Weight of the image's distance from another (or from zero) beside that of the residual; a
    fully sampled frequency has weight 1. Of .01 to .03, which hardly differ, the middle."""
    tolerance: float = 3e-4
    """They stop where the gradient has fallen to this share of its first length..."""
    most_iterations: int = 40
    """...or after so many steps."""
    real: bool = True
    """Whether the image is real, as it is behind maps that carry the phase. That halves what has
    to be found: the mirror image of each line helps to fill the gaps that motion tore."""

    def __post_init__(self) -> None:
        """Refuse settings that solve nothing."""
        if not (0 <= self.ridge < np.inf and 0 < self.tolerance < 1):
            raise McnetError(
                f"ridge {self.ridge:g} and tolerance {self.tolerance:g} solve nothing; give a "
                "ridge of 0 or more and a tolerance between 0 and 1."
            )
        if self.most_iterations < 1:
            raise McnetError(f"{self.most_iterations} iterations find nothing; give 1 or more.")


@dataclass(frozen=True, eq=False)
class StillHead:
    """What was found."""

    images: Images
    """Real or complex, as was asked for."""
    n_iterations: int
    gradient: float
    """Length of the last gradient, as a share of the first."""
    line_energy: Float[np.ndarray, "n_lines"]
    """Of each line as measured, summed over coils, images and samples."""
    line_misfit: Float[np.ndarray, "n_lines"]
    """The same of what the images do not explain."""

    @property
    def line_residual(self) -> Float[np.ndarray, "n_lines"]:
        """Root of misfit over energy: 0 where a line is explained, 1 where it is noise."""
        return np.asarray(np.sqrt(self.line_misfit / np.maximum(self.line_energy, 1e-30)))


def still_head(
    scan: CoilScan,
    kspace: Kspace,
    *,
    line_weight: Float[np.ndarray, "n_lines"] | None = None,
    towards: Images | None = None,
    settings: SolverSettings | None = None,
    on_progress: OnProgress | None = None,
) -> StillHead:
    """Images that a scan with known motion shows as this k-space.

    Parameters
    ----------
    scan
        Knows poses and coils.
    kspace
        As measured, divided by the root of the number of samples.
    line_weight
        Trust in each line, 1 for the usual: the inverse of its noise variance, as a share.
    towards
        Images to start from, and to which the ridge holds; zero, if none are given.
    settings
        The default if absent.
    on_progress
        Told of steps.
    """
    settings = settings or SolverSettings()
    n_axes = kspace.ndim - 2
    weight = np.ones(kspace.shape[2 + scan.line_axis], np.float32)
    if line_weight is not None:
        weight = line_weight.astype(np.float32)
    of_lines = along_axis(weight, scan.line_axis, n_axes)

    def back(lines: Kspace) -> Images:
        images = scan.adjoint((lines * of_lines).astype(np.complex64, copy=False))
        return images.real if settings.real else images

    def normal(images: Images) -> Images:
        return np.asarray(back(scan.kspace(images)) + np.float32(settings.ridge) * images)

    gradient = back(kspace)
    each = StackOfImages()
    first = each.inner(gradient, gradient)
    images = np.zeros_like(gradient)
    if towards is not None:
        images = towards.astype(gradient.dtype)
        gradient = gradient - back(scan.kspace(images))

    def length(squared: Float[np.ndarray, "n_images"]) -> float:
        # of an image without signal there is nothing to find
        return float(np.sqrt(np.max(squared / np.maximum(first, 1e-30), initial=0.0)))

    def tell(n_done: int) -> None:
        if on_progress:
            on_progress(n_done, settings.most_iterations)

    solution = conjugate_gradients(
        *(normal, images, gradient, each),
        n_steps=settings.most_iterations,
        is_solved=lambda squared: not length(squared) > settings.tolerance,
        on_step=tell,
    )
    images = solution.unknowns
    others = tuple(axis for axis in range(kspace.ndim) if axis != 2 + scan.line_axis)
    missed = kspace - scan.kspace(images)
    return StillHead(
        images,
        solution.n_steps,
        length(solution.squared_residual),
        line_energy=(np.abs(kspace) ** 2).sum(axis=others, dtype=float),
        line_misfit=(np.abs(missed) ** 2).sum(axis=others, dtype=float),
    )
