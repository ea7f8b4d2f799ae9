"""Preconditioned conjugate gradients for symmetric positive definite linear equations.

One algorithm for two kinds of unknowns: several arrays that are one vector together (images and
poses), and a stack of images whose equations are solved side by side, each with steps of its own.
`SeveralArrays` and `StackOfImages` say what an inner product and a multiple are of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float, Shaped

Unknowns = TypeVar("Unknowns")
Number = TypeVar("Number")


@runtime_checkable
class VectorSpace(Protocol[Unknowns, Number]):
    """The operations of conjugate gradients."""

    def inner(self, one: Unknowns, other: Unknowns) -> Number:
        """Real part of the inner product."""
        ...

    def ratio(self, numerator: Number, denominator: Number) -> Number:
        """Quotient of two inner products."""
        ...

    def plus(self, one: Unknowns, factor: Number, other: Unknowns) -> Unknowns:
        """``one + factor * other``."""
        ...

    def minus(self, one: Unknowns, factor: Number, other: Unknowns) -> Unknowns:
        """``one - factor * other``."""
        ...


@dataclass(frozen=True, eq=False)
class Solution(Generic[Unknowns, Number]):
    """Where conjugate gradients ended."""

    unknowns: Unknowns
    n_steps: int
    squared_residual: Number
    """Inner product of the residual and the preconditioned residual."""


def conjugate_gradients(
    product: Callable[[Unknowns], Unknowns],
    start: Unknowns,
    residual: Unknowns,
    space: VectorSpace[Unknowns, Number],
    *,
    n_steps: int,
    is_solved: Callable[[Number], bool],
    precondition: Callable[[Unknowns], Unknowns] = lambda residual: residual,
    on_step: Callable[[int], None] | None = None,
) -> Solution[Unknowns, Number]:
    """Solution of ``product(unknowns) = right side`` after some steps.

    Parameters
    ----------
    product
        The matrix times unknowns: symmetric, positive definite.
    start, residual
        Unknowns to begin with, and the right side less their product.
    space
        Inner products and multiples of the unknowns.
    n_steps
        At most.
    is_solved
        Whether to stop, by the squared residual.
    precondition
        An approximate inverse of ``product``.
    on_step
        Told of the number of steps taken.
    """
    unknowns, n_done = start, 0
    towards = precondition(residual)
    direction, squared = towards, space.inner(residual, towards)
    while n_done < n_steps and not is_solved(squared):
        changed = product(direction)
        length = space.ratio(squared, space.inner(direction, changed))
        unknowns = space.plus(unknowns, length, direction)
        residual = space.minus(residual, length, changed)
        towards = precondition(residual)
        before, squared = squared, space.inner(residual, towards)
        direction = space.plus(towards, space.ratio(squared, before), direction)
        n_done += 1
        if on_step:
            on_step(n_done)
    return Solution(unknowns, n_done, squared)


class SeveralArrays:
    """Real arrays of any shapes and precisions that are one vector together."""

    def inner(self, one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
        """Sum over all arrays."""
        return sum(float((a * b).sum(dtype=float)) for a, b in zip(one, other, strict=True))

    def ratio(self, numerator: float, denominator: float) -> float:
        """Plain quotient: nothing is divided by zero before the residual is zero."""
        return numerator / denominator

    def plus(
        self, one: Sequence[np.ndarray], factor: float, other: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """``one + factor * other``, each in its own precision."""
        return [a + a.dtype.type(factor) * b for a, b in zip(one, other, strict=True)]

    def minus(
        self, one: Sequence[np.ndarray], factor: float, other: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        """``one - factor * other``, each in its own precision."""
        return [a - a.dtype.type(factor) * b for a, b in zip(one, other, strict=True)]


Images = Shaped[np.ndarray, "n_images *shape"]
EachImage = Float[np.ndarray, "n_images"]


class StackOfImages:
    """Real or complex images, each with equations, inner products and steps of its own."""

    def inner(self, one: Images, other: Images) -> EachImage:
        """Real part, image by image."""
        products = one.real * other.real
        if np.iscomplexobj(one):
            products = products + one.imag * other.imag
        return np.asarray(products.reshape(len(one), -1).sum(axis=1, dtype=float))

    def ratio(self, numerator: EachImage, denominator: EachImage) -> EachImage:
        """0 for an image whose equations are solved while others go on."""
        return np.asarray(numerator / np.maximum(denominator, 1e-30))

    def plus(self, one: Images, factor: EachImage, other: Images) -> Images:
        """``one + factor * other``."""
        return np.asarray(one + _for_each(factor, other) * other)

    def minus(self, one: Images, factor: EachImage, other: Images) -> Images:
        """``one - factor * other``."""
        return np.asarray(one - _for_each(factor, other) * other)


def _for_each(factor: EachImage, images: Images) -> Shaped[np.ndarray, "n_images ..."]:
    return factor.astype(np.float32).reshape(-1, *[1] * (images.ndim - 1))
