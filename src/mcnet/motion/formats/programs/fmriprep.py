"""fMRIPrep: MCFLIRT's own numbers in the columns of a table of confounds.

They mean what they mean in FSL's files (`mcnet.motion.formats.programs.fsl`). Before version 1.2
the columns were called X, Y, Z, RotX, RotY and RotZ.
"""

from dataclasses import replace

from mcnet.motion.formats.motion_format import MotionFormat
from mcnet.motion.formats.programs import fsl

FORMAT = MotionFormat(
    name="fmriprep",
    label="fMRIPrep",
    pattern="*_desc-confounds_timeseries.tsv",
    convention=replace(
        fsl.FORMAT.convention,
        columns=("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"),
        translation=(0, 1, 2),
        rotation=(3, 4, 5),
    ),
    rotates_about=fsl.FORMAT.rotates_about,
    header=("trans_x", "rot_x", "RotX"),
    old_columns=("X", "Y", "Z", "RotX", "RotY", "RotZ"),
    separator="\t",
)
