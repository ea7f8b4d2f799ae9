"""Conjugate gradients: exact solutions, of several arrays together and of images side by side."""

import numpy as np
import pytest

from mcnet.physics.conjugate_gradients import SeveralArrays, StackOfImages, conjugate_gradients


def positive(n, rng, *, hermitian=False):
    """A positive definite matrix of moderate condition."""
    root = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if hermitian else 0)
    return root @ root.conj().T / n + np.eye(n)


def never(squared):
    return False


@pytest.mark.parametrize("preconditioned", [False, True])
def test_several_arrays_are_solved_as_one_vector(rng, preconditioned):
    matrix, right = positive(13, rng), rng.normal(size=13)

    def parted(vector):
        return [vector[:9].reshape(3, 3), vector[9:]]

    def joined(parts):
        return np.concatenate([one.ravel() for one in parts])

    scale = 1 / np.diag(matrix)
    solution = conjugate_gradients(
        lambda parts: parted(matrix @ joined(parts)),
        *(parted(np.zeros(13)), parted(right), SeveralArrays()),
        n_steps=13,
        is_solved=never,
        precondition=lambda parts: parted(scale * joined(parts)) if preconditioned else parts,
    )
    np.testing.assert_allclose(joined(solution.unknowns), np.linalg.solve(matrix, right), atol=1e-8)
    assert solution.n_steps == 13


def test_each_array_keeps_its_precision():
    single, double = np.ones(3, np.float32), np.ones(2)
    solution = conjugate_gradients(
        lambda parts: [2 * one for one in parts],
        *([0 * single, 0 * double], [single, double], SeveralArrays()),
        n_steps=1,
        is_solved=never,
    )
    assert [one.dtype for one in solution.unknowns] == [np.float32, np.float64]
    assert all((one == 0.5).all() for one in solution.unknowns)


@pytest.mark.parametrize("is_complex", [False, True])
def test_images_are_solved_side_by_side_from_a_start(rng, is_complex):
    matrices = [positive(6, rng, hermitian=is_complex) for _ in range(3)]
    right = rng.normal(size=(3, 2, 3)) + (1j * rng.normal(size=(3, 2, 3)) if is_complex else 0)

    def product(images):
        return np.stack(
            [(m @ f.ravel()).reshape(2, 3) for m, f in zip(matrices, images, strict=True)]
        )

    start = rng.normal(size=right.shape).astype(right.dtype)
    solution = conjugate_gradients(
        product, start, right - product(start), StackOfImages(), n_steps=12, is_solved=never
    )
    np.testing.assert_allclose(product(solution.unknowns), right, atol=1e-4)


def test_an_image_without_signal_stays_zero_beside_others(rng):
    right = np.zeros((2, 4, 4))
    right[1] = rng.normal(size=(4, 4))
    weights = np.linspace(1, 3, 16).reshape(4, 4)
    solution = conjugate_gradients(
        lambda images: weights * images,
        *(0 * right, right, StackOfImages()),
        n_steps=16,
        is_solved=never,
    )
    assert not solution.unknowns[0].any()
    np.testing.assert_allclose(solution.unknowns[1], right[1] / weights, atol=1e-5)


def test_they_stop_where_they_are_told_and_tell_each_step(rng):
    matrix, right = positive(9, rng), [rng.normal(size=9)]
    told: list[int] = []
    solution = conjugate_gradients(
        lambda parts: [matrix @ parts[0]],
        *([np.zeros(9)], right, SeveralArrays()),
        n_steps=50,
        is_solved=lambda squared: squared < 1e-3,
        on_step=told.append,
    )
    assert told == list(range(1, solution.n_steps + 1))
    assert 1 < solution.n_steps < 9
    left = right[0] - matrix @ solution.unknowns[0]
    assert solution.squared_residual == pytest.approx(float(left @ left))
    assert solution.squared_residual < 1e-3
