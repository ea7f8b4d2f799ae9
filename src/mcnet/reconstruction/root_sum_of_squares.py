"""The scanner's own reconstruction, which knows nothing of motion."""

import numpy as np

from mcnet.io.kspace import RawScan
from mcnet.io.volume import Volume
from mcnet.physics.fourier import centred_ifft


def root_sum_of_squares(raw: RawScan) -> Volume:
    """Magnitude image: root of the sum of squares of the coils' inverse FFTs."""
    images = centred_ifft(raw.kspace, [1 + axis for axis in raw.encoded_axes])
    values = np.sqrt((np.abs(images) ** 2).sum(axis=0)).astype(np.float32)
    return Volume(values, raw.affine, raw.name)
