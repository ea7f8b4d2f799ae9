"""SSIM of batches on the training's device, by the definition of `mcnet.metrics.similarity`."""

from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from mcnet.metrics.similarity import WINDOW_WIDTH

_BORDER = WINDOW_WIDTH // 2


def batch_ssim(images: Tensor, references: Tensor) -> Tensor:
    """Mean SSIM of a batch of images of data range 1, without their borders of 5 pixels.

    torchmetrics' own mean includes the border, which scikit-image's leaves out.

    Parameters
    ----------
    images, references
        Both of shape (n, 1, rows, columns), more than 11 pixels a side.
    """
    _, local = structural_similarity_index_measure(
        images,
        references,
        sigma=1.5,
        kernel_size=WINDOW_WIDTH,
        data_range=1.0,
        return_full_image=True,
    )
    inside = slice(_BORDER, -_BORDER)
    return local[..., inside, inside].mean()
