"""Kind of image by a scan's metadata: motion correction needs a magnitude image.

The metadata are DICOM's, of a series or of the JSON file that dcm2niix writes beside a NIfTI file.
"""

import re
from pathlib import Path

from mcnet.core.errors import BadFileError

_PHILIPS = "(FFE|SE|IR|PCA|TFE|B0|B1)"
_OTHER_KINDS = {
    "a phase image": rf"P|PHASE|P {_PHILIPS}",
    "a real part": rf"R|REAL|R {_PHILIPS}",
    "an imaginary part": rf"I|IMAG|IMAGINARY|I {_PHILIPS}",
    "a phase or velocity map": r"PHASE MAP|VELOCITY|VELOCITY MAP",
    "a computed map": r".* MAP|E?ADC|FA|FF|B0|B1|R2|R2 STAR",
    "a difference of images": r"SUB|SUBTRACT|SUBTRACTED|SUBTRACTION",
    "a projection": r"MIP|MAX IP|MIN IP|MINIP|MNIP|PROJECTION|PROJECTION IMAGE|VRT",
    "a localiser": r"LOCALI[ZS]ER|SCOUT",
    "a picture of a screen": r"SCREEN ?SAVE|SCREEN ?SHOT",
}
"""Words of ``ImageType`` from its third value on, underscores as spaces.

Reformatted planes (MPR) are magnitudes and pass, as do Dixon's water, fat, in and out of phase.
"""
_COMPONENTS = {
    "PHASE": "a phase image",
    "REAL": "a real part",
    "IMAGINARY": "an imaginary part",
    "MIXED": "a mixture of magnitude and other parts",
}


def check_image_kind(image_type: object, component: object, place: Path) -> None:
    """Check that an image is a magnitude image by its metadata.

    Parameters
    ----------
    image_type
        DICOM's ``ImageType`` (of enhanced frames ``FrameType``), also of a JSON file: a list of
        words, or one text that separates them by backslashes. Anything else is ignored.
    component
        DICOM's ``ComplexImageComponent``; none where it is absent.
    place
        The scan, for the sentence.

    Raises
    ------
    McnetError
        By either of them it is a phase image, a real or imaginary part, a map, a projection, a
        difference or a localiser.
    """
    if isinstance(image_type, str):
        image_type = image_type.split("\\")
    words = [str(word) for word in image_type] if isinstance(image_type, list | tuple) else []
    kind = _COMPONENTS.get(_plain(component))
    evidence = f"ComplexImageComponent {component}"
    for word in words[2:]:
        for other, pattern in _OTHER_KINDS.items():
            if kind is None and re.fullmatch(pattern, _plain(word)):
                kind, evidence = other, "ImageType " + "\\".join(words)
    if kind is not None:
        raise BadFileError(
            f"{place} is {kind} ({evidence}); a magnitude image of a head is needed: give the "
            "magnitude image of the same scan."
        )


def _plain(word: object) -> str:
    return " ".join(str(word or "").upper().replace("_", " ").split())
