"""A DICOM instance derived from another: attributes that are kept, replaced and left out."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    generate_uid,
)

from mcnet import __version__

SERIES_NUMBER_STEP = 1000
"""Added to the series number of the source."""

_NO_LONGER_TRUE = (
    *("InstanceCreationDate", "InstanceCreationTime", "InstanceCreatorUID"),
    *("ContentDate", "ContentTime"),
    *("SmallestPixelValueInSeries", "LargestPixelValueInSeries"),
    *("IconImageSequence", "MACParametersSequence", "DigitalSignaturesSequence"),
    *("EncryptedAttributesSequence", "DataSetTrailingPadding"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
)
"""Attributes that describe the old pixels: dates of creation, icons, signatures, offsets."""
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
"""Encodings that are always lossy; earlier lossy compression stays as the source states it."""


@dataclass(frozen=True)
class Derivation:
    """Attributes that all instances of a derived series share."""

    series_uid: str
    text: str
    """Processing, in plain ASCII."""


def derived_instance(
    source: Dataset, stored: Integer[np.ndarray, "row column"], derivation: Derivation
) -> Dataset:
    """Instance with new pixels and identity; patient, study, place and intensity scale stay."""
    derived = _kept(source)
    _refer_to(derived, source)
    _identify(derived, source, derivation)
    _describe(derived, source, derivation)
    _set_pixels(derived, stored)
    derived.file_meta = FileMetaDataset()
    derived.file_meta.MediaStorageSOPClassUID = derived.SOPClassUID
    derived.file_meta.MediaStorageSOPInstanceUID = derived.SOPInstanceUID
    derived.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return derived


def _kept(source: Dataset) -> Dataset:
    """Public attributes that are true of the new pixels too."""
    kept = Dataset()
    for tag in source.keys():  # noqa: SIM118 - iteration gives elements, and reads private ones
        if not tag.is_private and tag.group > 2:
            kept[tag] = source[tag]
    for keyword in _NO_LONGER_TRUE:
        if keyword in kept:
            delattr(kept, keyword)
    kept.remove_private_tags()  # those within sequences
    return kept


def _refer_to(derived: Dataset, source: Dataset) -> None:
    instance = Dataset()
    instance.ReferencedSOPClassUID = source.SOPClassUID
    instance.ReferencedSOPInstanceUID = source.SOPInstanceUID
    series = Dataset()
    series.SeriesInstanceUID = source.SeriesInstanceUID
    series.ReferencedInstanceSequence = Sequence([_copy(instance)])
    derived.ReferencedSeriesSequence = Sequence(
        [*(source.get("ReferencedSeriesSequence") or []), series]
    )
    purpose = _code("121322", "Source image for image processing operation")
    instance.PurposeOfReferenceCodeSequence = Sequence([purpose])
    derived.SourceImageSequence = Sequence([instance])


def _identify(derived: Dataset, source: Dataset, derivation: Derivation) -> None:
    derived.SeriesInstanceUID = derivation.series_uid
    derived.SOPInstanceUID = generate_uid(
        entropy_srcs=[derivation.series_uid, str(source.SOPInstanceUID)]
    )
    try:
        number = int(source.get("SeriesNumber") or 1)
    except ValueError:  # it may be empty, and some write what is no number
        number = 1
    derived.SeriesNumber = SERIES_NUMBER_STEP + number


def _describe(derived: Dataset, source: Dataset, derivation: Derivation) -> None:
    # value 3 is required of MR images; OTHER is what the standard has where nothing else fits
    rest = list(source.get("ImageType") or [])[2:] or ["OTHER"]
    derived.ImageType = ["DERIVED", "SECONDARY", *rest]
    before = str(source.get("SeriesDescription") or "")
    derived.SeriesDescription = f"{before[:58]} mcnet".strip()  # 64 characters at most
    earlier = str(source.get("DerivationDescription") or "")
    text = f"{earlier}; {derivation.text}" if earlier else derivation.text
    derived.DerivationDescription = text[-1024:]
    if source.file_meta.TransferSyntaxUID in _LOSSY:
        derived.LossyImageCompression = "01"
    equipment = Dataset()
    equipment.PurposeOfReferenceCodeSequence = Sequence([_code("109102", "Processing Equipment")])
    equipment.Manufacturer = "The mcnet developers"
    equipment.ManufacturerModelName = "mcnet"
    equipment.SoftwareVersions = __version__
    derived.ContributingEquipmentSequence = Sequence(
        [*(source.get("ContributingEquipmentSequence") or []), equipment]
    )


def _set_pixels(derived: Dataset, stored: Integer[np.ndarray, "row column"]) -> None:
    allocated = 8 if derived.BitsAllocated <= 8 else 8 * stored.itemsize
    derived.BitsAllocated = allocated
    derived.HighBit = derived.BitsStored - 1
    derived.SmallestImagePixelValue = int(stored.min())
    derived.LargestImagePixelValue = int(stored.max())
    for keyword in ("SmallestImagePixelValue", "LargestImagePixelValue"):
        derived[keyword].VR = "SS" if derived.PixelRepresentation else "US"
    derived.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    derived["PixelData"].VR = "OB" if allocated == 8 else "OW"


def _copy(item: Dataset) -> Dataset:
    copied = Dataset()
    copied.update(item)
    return copied


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = "DCM"
    code.CodeMeaning = meaning
    return code
