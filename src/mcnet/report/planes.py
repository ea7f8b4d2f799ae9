"""Slices of a scan as pictures: which ones, which way up, in which greys or colours."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, UInt8
from PIL import Image

from mcnet.core.errors import McnetError
from mcnet.datasets.masks import head_mask
from mcnet.io.volume import Volume

LARGEST_SIDE = 320
"""Pixels; larger slices are shrunk, so that a page stays a few megabytes."""
_COARSE_SIDE = 96
"""Voxels; a volume is looked over at about this size to find the head."""
_BRAIN_HEIGHT_MM = 150.0
"""From the top of the head down to below the cerebellum."""
_NAMES = (("L", "R"), ("P", "A"), ("I", "S"))
"""What lies at the low and at the high end of the axes x, y and z."""

Colours = Sequence[tuple[int, int, int]]
"""Colours at equal steps; between them is mixed."""


@dataclass(frozen=True)
class Plane:
    """One of the three directions to look along; the patient's right is on the viewer's left."""

    name: str
    axis: int
    """The axis that the slices are counted along."""

    @property
    def in_plane(self) -> tuple[int, int]:
        """The axes that run across and up the picture."""
        across, up = (axis for axis in range(3) if axis != self.axis)
        return across, up

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """What lies at the left, right, top and bottom: both axes begin at their high end."""
        across, up = self.in_plane
        return _NAMES[across][1], _NAMES[across][0], _NAMES[up][1], _NAMES[up][0]

    def size_mm(self, volume: Volume) -> tuple[float, float]:
        """Width and height of the volume's slices."""
        across, up = self.in_plane
        size, shape = volume.voxel_size_mm, volume.values.shape
        return shape[across] * size[across], shape[up] * size[up]

    def slice_of(
        self, values: Float32[np.ndarray, "x y z"], index: int
    ) -> Float32[np.ndarray, "rows columns"]:
        """One slice as it is looked at: radiological, superior or anterior at the top."""
        return np.moveaxis(values, self.axis, 0)[index, ::-1, ::-1].T

    def position(self, volume: Volume, index: int) -> str:
        """Where the middle of a slice lies in the scanner, as in "L 12 mm"."""
        voxel = [(n - 1) / 2 for n in volume.values.shape]
        voxel[self.axis] = index
        place_mm = float(volume.affine[self.axis] @ [*voxel, 1.0])
        rounded = round(abs(place_mm))
        return f"{_NAMES[self.axis][place_mm > 0]} {rounded} mm" if rounded else "0 mm"


PLANES = (Plane("sagittal", 0), Plane("coronal", 1), Plane("axial", 2))


def coarse(values: Float32[np.ndarray, "x y z"]) -> Float32[np.ndarray, "i j k"]:
    """Every n-th voxel along each axis, with no axis much longer than about a hundred."""
    steps = [slice(None, None, max(1, n // _COARSE_SIDE)) for n in values.shape]
    return values[steps[0], steps[1], steps[2]]


def coarse_head(values: Float32[np.ndarray, "i j k"]) -> Bool[np.ndarray, "i j k"]:
    """Mask of the head in a coarse volume; everything, where head and air do not differ."""
    try:
        head = head_mask(values, closing_voxels=1)
    except McnetError:
        return np.ones(values.shape, dtype=bool)
    return head if head.any() else np.ones(values.shape, dtype=bool)


def slices_through(
    head: Bool[np.ndarray, "i j k"], volume: Volume, axis: int, n_slices: int
) -> tuple[int, ...]:
    """Indices of a volume's slices along an axis, spread over its head, which is given coarsely.

    They part the head into slabs of equal extent, the outermost left out; of a head with its neck
    the axial ones keep to the height of a brain.
    """
    others = tuple(other for other in range(3) if other != axis)
    inside = np.flatnonzero(head.any(axis=others))
    n_voxels = volume.values.shape[axis]
    step = max(1, n_voxels // _COARSE_SIDE)
    first, last = inside[0] * step, min(inside[-1] * step, n_voxels - 1)
    if axis == 2:
        first = max(first, last - _BRAIN_HEIGHT_MM / volume.voxel_size_mm[axis])
    places = np.linspace(first, last, n_slices + 2)[1:-1]
    return tuple(int(index) for index in np.unique(np.rint(places)))


def picture(
    image: Float32[np.ndarray, "rows columns"], low: float, high: float, colours: Colours = ()
) -> str:
    """PNG of an image as a data URI: 256 steps from ``low`` to ``high``, grey without colours."""
    span = max(high - low, np.finfo(np.float32).tiny)
    levels = np.clip((np.nan_to_num(image) - low) / span, 0.0, 1.0) * 255
    drawn = Image.fromarray(np.ascontiguousarray(np.rint(levels).astype(np.uint8)))
    shrunk = min(1.0, LARGEST_SIDE / max(drawn.size))
    if shrunk < 1:
        size = [max(1, round(side * shrunk)) for side in drawn.size]
        drawn = drawn.resize((size[0], size[1]), Image.Resampling.BOX)
    if colours:
        drawn.putpalette(_palette(colours).tobytes())
    stream = io.BytesIO()
    drawn.save(stream, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _palette(colours: Colours) -> UInt8[np.ndarray, "256 3"]:
    """256 colours that go evenly through the given ones."""
    known = np.asarray(colours, dtype=float)
    at = np.linspace(0, len(known) - 1, 256)
    channels = [np.interp(at, np.arange(len(known)), known[:, k]) for k in range(3)]
    return np.asarray(np.rint(np.stack(channels, axis=1)), dtype=np.uint8)


def css_gradient(colours: Colours) -> str:
    """Return the same colours for a legend, as a CSS gradient from left to right."""
    return f"linear-gradient(90deg, {', '.join(f'rgb{colour}' for colour in colours)})"
