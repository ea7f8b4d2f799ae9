"""What must agree within a volume, and what kind of image it must be: classic and enhanced."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcnet.core.errors import McnetError
from mcnet.io.dicom.files import DAMAGE, tag_of
from mcnet.io.dicom.planes import Plane, attribute_of_frame
from mcnet.io.image_kind import check_image_kind

ROUNDING = 0.01
"""Share by which numbers of one volume may differ."""
_SHOWN = 4
"""Values that a sentence lists."""


@dataclass(frozen=True)
class _Attribute:
    """An attribute of every slice."""

    keyword: str
    plural: str
    """What several values of it are, in a sentence."""
    group: str = ""
    """The group of an enhanced frame that holds it; none: the header alone."""
    enhanced: str = ""
    """Its keyword there, if another."""

    def of(self, plane: Plane) -> Any:
        """Value in the image of a plane; what cannot be read is as good as a value of its own."""
        header = plane.file.header
        try:
            if self.group and "PerFrameFunctionalGroupsSequence" in header:
                keyword = self.enhanced or self.keyword
                value = attribute_of_frame(header, plane.frame, self.group, keyword)
                if value is not None:
                    return value
            return header.get(self.keyword)  # frames may leave to the file what all share
        except DAMAGE:
            return "unreadable"


_IMAGE_TYPE = _Attribute("ImageType", "image types", "MRImageFrameTypeSequence", "FrameType")
_COMPONENT = _Attribute(
    "ComplexImageComponent", "parts of complex numbers", "MRImageFrameTypeSequence"
)
_TIMING = "MRTimingAndRelatedParametersSequence"
_MUST_AGREE = (
    _Attribute("PatientID", "patients"),
    _Attribute("PatientName", "patients"),
    _Attribute("PatientBirthDate", "patients"),
    _Attribute("StudyInstanceUID", "studies"),
    _Attribute("Modality", "modalities"),
    _Attribute("FrameOfReferenceUID", "frames of reference"),
    _Attribute("EchoTime", "echo times", "MREchoSequence", "EffectiveEchoTime"),
    _Attribute("EchoNumbers", "echo numbers"),
    _Attribute("InversionTime", "inversion times", "MRModifierSequence", "InversionTimes"),
    _Attribute("RepetitionTime", "repetition times", _TIMING),
    _Attribute("FlipAngle", "flip angles", _TIMING),
    _Attribute(
        *("TemporalPositionIdentifier", "time points"),
        *("FrameContentSequence", "TemporalPositionIndex"),
    ),
    _Attribute("DiffusionBValue", "diffusion weightings", "MRDiffusionSequence"),
    _Attribute("ContrastBolusAgent", "contrast agents"),
    _IMAGE_TYPE,
    _COMPONENT,
    _Attribute("RescaleType", "intensity units", "PixelValueTransformationSequence"),
    _Attribute("PhotometricInterpretation", "photometric interpretations"),
    _Attribute("BitsAllocated", "numbers of bits"),
    _Attribute("PixelRepresentation", "representations of numbers"),
)
"""In the order in which a difference is told.

Not among them is what one volume may vary from slice to slice: rescale slope and intercept (they
are applied), window, times, acquisition number (concatenations), trigger and bits stored.
"""
_ALSO_PARTS_IMAGES = (_Attribute("AcquisitionNumber", "acquisitions"),)
"""By what images at one position may differ, besides."""


@dataclass(frozen=True)
class Difference:
    """An attribute that has several values."""

    keyword: str
    plural: str
    kinds: tuple[tuple[str, int], ...]
    """Each value as text, and how many slices have it; the most frequent first."""


def differences(planes: Sequence[Plane], *, at_one_place: bool = False) -> Iterator[Difference]:
    """What differs between images of one volume, the telling first.

    Parameters
    ----------
    planes
        The images.
    at_one_place
        They share positions, so that what slices may vary tells them apart as well.
    """
    for attribute in (*_MUST_AGREE, *(_ALSO_PARTS_IMAGES if at_one_place else ())):
        kinds: list[tuple[Any, int]] = []
        for plane in planes:
            value = _compared(attribute, plane)
            same = next((n for n, (kind, _) in enumerate(kinds) if _agree(kind, value)), None)
            if same is None:
                kinds.append((value, 1))
            else:
                kinds[same] = (kinds[same][0], kinds[same][1] + 1)
        if len(kinds) > 1:
            ordered = sorted(kinds, key=lambda kind: -kind[1])
            told = tuple((_text(value), count) for value, count in ordered)
            yield Difference(attribute.keyword, attribute.plural, told)


def check_one_volume(folder: Path, planes: Sequence[Plane]) -> None:
    """Refuse slices that are not of one volume, or of one that is no magnitude image.

    Raises
    ------
    McnetError
        They differ in what must agree (a patient, an echo, a kind of image, ...), or are phase
        images, maps or the like.
    """
    for difference in differences(planes):
        told = ", ".join(f"{value} in {n} slices" for value, n in difference.kinds[:_SHOWN])
        more = ", ..." if len(difference.kinds) > _SHOWN else ""
        raise McnetError(
            f"{folder} has slices of {len(difference.kinds)} {difference.plural} "
            f"({tag_of(difference.keyword)} {difference.keyword}: {told}{more}); one volume is "
            "needed, whose slices agree: copy its files to a folder of their own."
        )
    check_image_kind(_values(_IMAGE_TYPE.of(planes[0])), _component(planes[0]), folder)


def _compared(attribute: _Attribute, plane: Plane) -> Any:
    """Value of a plane in the form in which values are compared."""
    value = _component(plane) if attribute is _COMPONENT else attribute.of(plane)
    if attribute is _IMAGE_TYPE:
        return "\\".join(_values(value)[2:])
    if isinstance(value, int | float):
        return float(value)
    return "\\".join(_values(value))


def _values(value: Any) -> tuple[str, ...]:
    """Words of an attribute; of one that is absent or empty, none."""
    if value is None:
        return ()
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    words = [" ".join(str(word).split()) for word in (value if several else [value])]
    return tuple(words) if any(words) else ()


def _agree(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDING * max(abs(one), abs(other))
    return bool(one == other)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"


def _component(plane: Plane) -> Any:
    """Which part of complex numbers an image is; GE tells it in a private attribute alone."""
    try:
        number = plane.file.header.private_block(0x0043, "GEMS_PARM_01")[0x2F].value
    except DAMAGE:
        number = None
    return _COMPONENT.of(plane) or {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}.get(number)
