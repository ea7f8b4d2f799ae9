"""AFNI: the matrices of ``-1Dmatrix_save`` of 3dvolreg and 3dAllineate, one a volume.

Twelve numbers a row are the upper three rows of a 4x4 matrix, row by row (the help of cat_matvec).
The matrix takes the base's coordinates to the source's (the helps of 3dvolreg and 3dAllineate):
where a point of the head lies in the base, to where it lies in the volume. That is how the head
moved, so it is not inverted. Coordinates are DICOM's (x left, y posterior, z superior), in mm from
the origin of the scanner's coordinates, along the axes of the grid (AFNI disregards obliquity).

Files of six numbers of the same run (`mcnet.motion.formats.programs.afni`) rotate about the centre
of the grid: where that lies at ``c``, their translations differ by ``(I - R) c``.
"""

from mcnet.motion.formats.matrices import RigidMatrices
from mcnet.motion.formats.motion_format import MotionFormat

FORMAT = MotionFormat(
    name="aff12",
    label="AFNI 3dvolreg, 3dAllineate `-1Dmatrix_save`",
    pattern="*.aff12.1D",
    convention=RigidMatrices(
        axis_signs=(-1, -1, 1),
        moves_back=False,
        rigid_remedy="align with 3dvolreg or with 3dAllineate -warp shift_rotate",
    ),
    rotates_about="the origin of the scanner's coordinates",
    comment="# mcnet matrices (DICOM-to-DICOM, row-by-row):",
)
