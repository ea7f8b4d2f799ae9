"""Attributes that all slices of a volume share, and the kind of image it must be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcnet.core.errors import BadFileError
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
    """Word for several of its values, in a sentence."""
    group: str = ""
    """Functional group of an enhanced frame that has it; empty: the header alone."""
    enhanced: str = ""
    """Its keyword in that group, if another."""

    def of(self, plane: Plane) -> Any:
        """Value in the image of a plane; a value that cannot be read counts as one of its own."""
        header = plane.file.header
        try:
            if self.group and "PerFrameFunctionalGroupsSequence" in header:
                keyword = self.enhanced or self.keyword
                value = attribute_of_frame(header, plane.frame, self.group, keyword)
                if value is not None:
                    return value
            return header.get(self.keyword)  # attributes that all frames share may be in the header
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
        keyword="TemporalPositionIdentifier",
        plural="time points",
        group="FrameContentSequence",
        enhanced="TemporalPositionIndex",
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
"""In the order in which a difference is reported.

Not among them are attributes that may vary from slice to slice within a volume: rescale slope and
intercept (they are applied), window, times, acquisition number (concatenations), trigger and bits
stored.
"""
_ALSO_PARTS_IMAGES = (_Attribute("AcquisitionNumber", "acquisitions"),)
"""Further attributes by which images at one position may differ."""


@dataclass(frozen=True)
class Difference:
    """An attribute that has several values."""

    keyword: str
    plural: str
    kinds: tuple[tuple[str, int], ...]
    """Each value as text, and how many slices have it; the most frequent first."""


def differences(planes: Sequence[Plane], *, at_one_place: bool = False) -> Iterator[Difference]:
    """Attributes that differ between images of one volume, the most telling first.

    Parameters
    ----------
    planes
        The images.
    at_one_place
        Whether they share positions: then attributes that slices may vary distinguish them too.
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
            counts = tuple((_text(value), count) for value, count in ordered)
            yield Difference(attribute.keyword, attribute.plural, counts)


def check_one_volume(folder: Path, planes: Sequence[Plane]) -> None:
    """Check that slices are of one volume, and of a magnitude image.

    Raises
    ------
    McnetError
        They differ in an attribute that they must share (patient, echo, kind of image, ...), or
        are phase images, maps or the like.
    """
    for difference in differences(planes):
        listed = ", ".join(f"{value} in {n} slices" for value, n in difference.kinds[:_SHOWN])
        more = ", ..." if len(difference.kinds) > _SHOWN else ""
        raise BadFileError(
            f"{folder} has slices of {len(difference.kinds)} {difference.plural} "
            f"({tag_of(difference.keyword)} {difference.keyword}: {listed}{more}); one volume is "
            "needed, whose slices agree: copy its files to a folder of their own."
        )
    check_image_kind(_values(_IMAGE_TYPE.of(planes[0])), _component(planes[0]), folder)


def _compared(attribute: _Attribute, plane: Plane) -> Any:
    """Value of a plane as a number or text that can be compared."""
    value = _component(plane) if attribute is _COMPONENT else attribute.of(plane)
    if attribute is _IMAGE_TYPE:
        return "\\".join(_values(value)[2:])
    if isinstance(value, int | float):
        return float(value)
    return "\\".join(_values(value))


def _values(value: Any) -> tuple[str, ...]:
    """Words of an attribute; none where it is absent or empty."""
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
    """Component of the complex image (magnitude, phase, ...); GE has it in a private attribute."""
    try:
        number = plane.file.header.private_block(0x0043, "GEMS_PARM_01")[0x2F].value
    except DAMAGE:
        number = None
    return _COMPONENT.of(plane) or {1: "PHASE", 2: "REAL", 3: "IMAGINARY"}.get(number)
