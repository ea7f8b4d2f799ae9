"""Image of the still head from k-space with known motion: SENSE by conjugate gradients (CG-SENSE).

Minimised is ``sum over lines of w |E f - kspace|^2 + ridge |f - prior|^2``, for each image by
itself, where ``E`` is the encoding operator with coils and motion
(`mcnet.reconstruction.sense_operator`). CG-SENSE is that of Pruessmann et al. (Magn Reson Med
46:638, 2001); rigid motion enters the operator as in Batchelor et al. (Magn Reson Med 54:1273,
2005). The ridge (Tikhonov regulariser) decides on frequencies that were not measured because the
head was rotated away from them: they stay near those of the prior image, or zero, instead of
amplifying noise.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex64, Float, Shaped

from mcnet.core.errors import McnetError
from mcnet.core.progress import OnProgress
from mcnet.physics.broadcasting import along_axis
from mcnet.physics.conjugate_gradients import StackOfImages, conjugate_gradients
from mcnet.reconstruction.sense_operator import SenseOperator

Kspace = Complex64[np.ndarray, "n_coils n_images *shape"]
Images = Shaped[np.ndarray, "n_images *shape"]


@dataclass(frozen=True)
class SolverSettings:
    """Regularisation and stopping rule of the conjugate gradients."""

    ridge: float = 0.02
    """Weight of the Tikhonov regulariser, the squared distance from the prior image (or from zero);
    a fully sampled frequency has weight 1. Results with .01 to .03 hardly differ."""
    tolerance: float = 3e-4
    """Iterations stop where the norm of the gradient has fallen to this share of its first..."""
    max_iterations: int = 40
    """...or after this number."""
    real: bool = True
    """Whether the image is real, as it is where the maps carry the phase. That halves the unknowns:
    by conjugate symmetry each line also measures its mirror line, which fills gaps that rotation
    leaves in k-space."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not (0 <= self.ridge < np.inf and 0 < self.tolerance < 1):
            raise McnetError(
                f"ridge {self.ridge:g} and tolerance {self.tolerance:g} solve nothing; give a "
                "ridge of 0 or more and a tolerance between 0 and 1."
            )
        if self.max_iterations < 1:
            raise McnetError(f"{self.max_iterations} iterations find nothing; give 1 or more.")


@dataclass(frozen=True, eq=False)
class SenseSolution:
    """Images, and how well they explain the lines."""

    images: Images
    """Real or complex, by `SolverSettings.real`."""
    n_iterations: int
    gradient: float
    """Norm of the last gradient, as a share of the first."""
    line_energy: Float[np.ndarray, "n_lines"]
    """Sum of squares of each measured line, over coils, images and samples."""
    line_residual_energy: Float[np.ndarray, "n_lines"]
    """Sum of squares of each line's residual, measured minus predicted."""

    @property
    def line_residual(self) -> Float[np.ndarray, "n_lines"]:
        """Relative residual: 0 where a line is explained, nearly 1 where it is noise."""
        return np.asarray(np.sqrt(self.line_residual_energy / np.maximum(self.line_energy, 1e-30)))


def cg_sense(
    operator: SenseOperator,
    kspace: Kspace,
    *,
    line_weight: Float[np.ndarray, "n_lines"] | None = None,
    prior: Images | None = None,
    settings: SolverSettings | None = None,
    on_progress: OnProgress | None = None,
) -> SenseSolution:
    """Images of the still head that minimise the weighted squared residual and the regulariser.

    Parameters
    ----------
    operator
        Encoding with the poses and the coil maps.
    kspace
        As measured, divided by the root of the number of samples.
    line_weight
        Weight of each line, 1 for an accepted one: its inverse noise variance, relatively.
    prior
        Images to start from, towards which the ridge regularises; zero if absent.
    settings
        The default if absent.
    on_progress
        Told of iterations.
    """
    settings = settings or SolverSettings()
    weight = np.ones(kspace.shape[2 + operator.line_axis], np.float32)
    if line_weight is not None:
        weight = line_weight.astype(np.float32)
    of_lines = along_axis(weight, operator.line_axis, kspace.ndim - 2)

    def adjoint(lines: Kspace) -> Images:
        images = operator.adjoint((lines * of_lines).astype(np.complex64, copy=False))
        return images.real if settings.real else images

    def hessian_product(images: Images) -> Images:
        predicted = operator.kspace(images)
        return np.asarray(adjoint(predicted) + np.float32(settings.ridge) * images)

    gradient = adjoint(kspace)
    each = StackOfImages()
    first = each.inner(gradient, gradient)
    images = np.zeros_like(gradient)
    if prior is not None:
        images = prior.astype(gradient.dtype)
        gradient = gradient - adjoint(operator.kspace(images))

    def relative_gradient(squared: Float[np.ndarray, "n_images"]) -> float:
        # the floor: an image without signal has no gradient
        return float(np.sqrt(np.max(squared / np.maximum(first, 1e-30), initial=0.0)))

    def tell(n_done: int) -> None:
        if on_progress:
            on_progress(n_done, settings.max_iterations)

    solution = conjugate_gradients(
        *(hessian_product, images, gradient, each),
        n_steps=settings.max_iterations,
        is_solved=lambda squared: not relative_gradient(squared) > settings.tolerance,
        on_step=tell,
    )
    residual = kspace - operator.kspace(solution.unknowns)
    return SenseSolution(
        solution.unknowns,
        solution.n_steps,
        gradient=relative_gradient(solution.squared_residual),
        line_energy=energy_of_lines(kspace, operator.line_axis),
        line_residual_energy=energy_of_lines(residual, operator.line_axis),
    )


def energy_of_lines(kspace: Kspace, line_axis: int) -> Float[np.ndarray, "n_lines"]:
    """Sum of squares of each line, over coils, images and samples."""
    others = tuple(axis for axis in range(kspace.ndim) if axis != 2 + line_axis)
    return np.asarray((np.abs(kspace) ** 2).sum(axis=others, dtype=float))
