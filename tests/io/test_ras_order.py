"""Axes of every order and sign are turned as nibabel turns them."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
from scipy.spatial.transform import Rotation

from mcnet.io.ras_order import RasOrder


def test_stored_axes_become_ras_as_nibabel_has_them_and_go_back(rng):
    values = rng.random((5, 8, 6)).astype(np.float32)
    oblique = Rotation.from_euler("xyz", [12, -9, 20], degrees=True).as_matrix()
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        affine = np.eye(4)
        affine[:3, :3] = oblique @ (np.eye(3)[:, order] * signs) * [1.0, 1.5, 2.0]
        affine[:3, 3] = (3, -4, 5)
        expected = nib.as_closest_canonical(nib.Nifti1Image(values, affine))
        found = RasOrder(affine)
        np.testing.assert_array_equal(found.to_ras(values), np.asarray(expected.dataobj))
        np.testing.assert_allclose(found.ras_affine(affine, values.shape), expected.affine)
        np.testing.assert_array_equal(found.from_ras(found.to_ras(values)), values)
