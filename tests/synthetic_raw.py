"""ISMRMRD files made by the ismrmrd package alone, from images whose place is known."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import ismrmrd
import numpy as np
from ismrmrd import xsd
from scipy.spatial.transform import Rotation

OBLIQUE = Rotation.from_euler("xyz", [20, -15, 30], degrees=True).as_matrix()
"""Columns are unit vectors along readout, lines and slices in LPS."""


def centred_spectrum(image, axes):
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(image, axes=axes), axes=axes), axes=axes)


def random_image(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


@dataclass(frozen=True, eq=False)
class Raw:
    """A file to be written: an image on stored axes, and what is odd about the file."""

    image: np.ndarray
    """[coil, readout, line, partition or slice]."""
    size_mm: tuple[float, float, float] = (30.0, 40.0, 60.0)
    directions: np.ndarray = field(default_factory=OBLIQUE.copy)
    centre_mm: tuple[float, float, float] = (5.0, -20.0, 30.0)
    """LPS of voxel n // 2; of a 2D scan, of slice n // 2."""
    is_3d: bool = True
    oversampling: int = 1
    line_order: tuple[int, ...] | None = None
    lines_first: bool = False
    """Whether all lines of a partition are measured before the next partition."""
    slice_numbers: tuple[int, ...] | None = None
    """Counter of each slice, in the order in which they lie."""
    on_header: Callable[[Any], Any] = lambda _: None
    on_acquisitions: Callable[[list[Any]], Any] = lambda _: None
    tick: int = 10
    """Steps of the time stamps from line to line."""

    def but(self, **changes):
        return replace(self, **changes)

    @property
    def affine(self):
        """From stored indices to RAS+, by hand."""
        lps = np.eye(4)
        lps[:3, :3] = self.directions * self.size_mm
        centre = np.array(self.image.shape[1:]) // 2
        lps[:3, 3] = np.array(self.centre_mm) - lps[:3, :3] @ centre
        return np.diag([-1, -1, 1, 1]) @ lps

    def write(self, path):
        header = self.header()
        self.on_header(header)
        acquisitions = self.acquisitions()
        changed = self.on_acquisitions(acquisitions)
        with ismrmrd.Dataset(str(path), "dataset", mode="w") as file:
            file.write_xml_header(xsd.ToXML(header).encode())
            for one in acquisitions if changed is None else changed:
                file.append_acquisition(one)
        return path

    def header(self):
        _, n_x, n_y, n_z = self.image.shape
        n_partitions = n_z if self.is_3d else 1
        thick = self.size_mm[2] * n_partitions

        def space(factor):
            return xsd.encodingSpaceType(
                matrixSize=xsd.matrixSizeType(x=n_x * factor, y=n_y, z=n_partitions),
                fieldOfView_mm=xsd.fieldOfViewMm(
                    x=n_x * factor * self.size_mm[0], y=n_y * self.size_mm[1], z=thick
                ),
            )

        def limit(n):
            return xsd.limitType(minimum=0, maximum=n - 1, center=n // 2)

        return xsd.ismrmrdHeader(
            experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=1),
            encoding=[
                xsd.encodingType(
                    encodedSpace=space(self.oversampling),
                    reconSpace=space(1),
                    encodingLimits=xsd.encodingLimitsType(
                        kspace_encoding_step_1=limit(n_y),
                        kspace_encoding_step_2=limit(n_partitions),
                        slice=limit(1 if self.is_3d else n_z),
                    ),
                    trajectory=xsd.trajectoryType.CARTESIAN,
                )
            ],
        )

    def acquisitions(self):
        n_coils, n_x, n_y, n_z = self.image.shape
        # air around the field of view that is kept
        n_encoded = n_x * self.oversampling
        wide = np.zeros((n_coils, n_encoded, n_y, n_z), complex)
        start = n_encoded // 2 - n_x // 2
        wide[:, start : start + n_x] = self.image
        kspace = centred_spectrum(wide, (1, 2, 3) if self.is_3d else (1, 2))
        lines = self.line_order or range(n_y)
        places = [(line, other) for line in lines for other in range(n_z)]
        if self.lines_first:
            places = [(line, other) for other in range(n_z) for line in lines]
        slices = self.slice_numbers or range(n_z)
        made = []
        for number, (line, other) in enumerate(places):
            one = ismrmrd.Acquisition.from_array(kspace[:, :, line, other].astype(np.complex64))
            one.scan_counter = number
            per_time = n_y if self.lines_first else n_z
            one.acquisition_time_stamp = 1000 + self.tick * (number // per_time)
            one.center_sample = n_encoded // 2
            one.idx.kspace_encode_step_1 = line
            position = np.array(self.centre_mm)
            if self.is_3d:
                one.idx.kspace_encode_step_2 = other
            else:
                one.idx.slice = slices[other]
                position = position + self.directions[:, 2] * self.size_mm[2] * (other - n_z // 2)
            one.position[:] = tuple(position)
            one.read_dir[:], one.phase_dir[:], one.slice_dir[:] = map(tuple, self.directions.T)
            made.append(one)
        return made
