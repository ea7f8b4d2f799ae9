"""The XML header of an ISMRMRD file, read and written: how k-space was sampled."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ismrmrd import xsd
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from mcnet.core.errors import BadFileError, McnetError
from mcnet.io.head_size import LARGEST_MM, check_field_of_view

Counter = Literal["kspace_encode_step_1", "kspace_encode_step_2", "slice"]
_IN_XML: dict[Counter, str] = {
    "kspace_encode_step_1": "kspace_encoding_step_1",
    "kspace_encode_step_2": "kspace_encoding_step_2",
    "slice": "slice",
}
_LEAST_VOXEL_MM = 0.1
UNLIMITED = 2**16
"""Upper limit of a counter without limits in the header; the counters have 16 bits."""


@dataclass(frozen=True)
class Encoding:
    """How a Cartesian scan samples k-space: readout, lines, partitions."""

    matrix: tuple[int, int, int]
    """Samples, oversampling of the readout included."""
    fov_mm: tuple[float, float, float]
    """Encoded; oversampling of the readout included."""
    readout_mm: float
    """Field of view of the image along the readout, without oversampling."""
    limits: dict[Counter, tuple[int, int, int]]
    """Lowest and highest value of each counter, and the one of the centre of k-space."""
    repetition_ms: float | None
    """TR, where the header has it."""
    tick_ms: float
    """Unit of the acquisitions' time stamps: 2.5 ms of a Siemens scanner, 1 ms elsewhere."""

    @property
    def is_3d(self) -> bool:
        """Whether there are partitions."""
        return self.matrix[2] > 1


def read_encoding(path: Path, xml: bytes) -> Encoding:
    """The encoding of a header.

    Raises
    ------
    McnetError
        The header is damaged, or has no encoding, several, one that is not Cartesian, parallel
        imaging, or an impossible matrix or field of view.
    """
    header = _parsed(path, xml)
    _check_encodings(path, header)
    encoding = header.encoding[0]
    matrix, fov = encoding.encodedSpace.matrixSize, encoding.encodedSpace.fieldOfView_mm
    kept = encoding.reconSpace.fieldOfView_mm
    n_samples, lengths = (matrix.x, matrix.y, matrix.z), (fov.x, fov.y, fov.z)
    possible = min(matrix.x, matrix.y) >= 2 and matrix.z >= 1 and max(n_samples) < UNLIMITED
    if not possible or not all(0 < mm < 1e5 for mm in lengths):
        raise BadFileError(
            f"{path} tells of {n_samples} samples in {lengths} mm, which is no field of view; "
            "correct encodedSpace in its header."
        )
    _check_holds_head(path, kept.x, encoding.encodedSpace)
    if not 2 * fov.x / matrix.x <= kept.x <= fov.x * 1.001:
        raise BadFileError(
            f"{path} tells of a readout of {fov.x:g} mm of which {kept.x:g} mm are to be kept; "
            "reconSpace must lie within encodedSpace: correct its header."
        )
    limits = {name: getattr(encoding.encodingLimits, in_xml) for name, in_xml in _IN_XML.items()}
    for name, limit in limits.items():
        if limit is not None and not 0 <= limit.minimum <= limit.maximum < UNLIMITED:
            raise BadFileError(
                f"{path} tells of limits {limit.minimum} to {limit.maximum} of {name}; correct "
                "encodingLimits in its header."
            )
    centres = {"kspace_encode_step_1": matrix.y // 2, "kspace_encode_step_2": matrix.z // 2}
    vendor = getattr(header.acquisitionSystemInformation, "systemVendor", None) or ""
    repetition_ms = getattr(header.sequenceParameters, "TR", None)
    return Encoding(
        matrix=n_samples,
        fov_mm=lengths,
        readout_mm=min(kept.x, fov.x),
        limits={
            name: (0, UNLIMITED, centres.get(name, 0))
            if limit is None
            else (limit.minimum, limit.maximum, limit.center)
            for name, limit in limits.items()
        },
        repetition_ms=repetition_ms[0] if repetition_ms and repetition_ms[0] > 0 else None,
        tick_ms=2.5 if "siemens" in vendor.lower() else 1.0,
    )


def is_of_mcnet(path: Path, xml: bytes) -> bool:
    """Whether a header has mcnet's provenance, as `header_xml` writes it."""
    try:
        parameters = _parsed(path, xml).userParameters
        texts = [one.value for one in parameters.userParameterString if one.name == "mcnet"]
        return any(json.loads(text)["generator"] == "mcnet" for text in texts)
    except (McnetError, AttributeError, ValueError, TypeError, KeyError):
        return False


def _parsed(path: Path, xml: bytes) -> Any:
    # newer headers may say more than this package knows, but what it knows must be right
    config = ParserConfig(fail_on_unknown_properties=False, fail_on_converter_warnings=True)
    try:
        return XmlParser(config=config).from_bytes(xml, xsd.ismrmrdHeader)
    except (ValueError, TypeError, LookupError) as error:
        reason = _reason(error)
        raise BadFileError(
            f"{path} has a damaged XML header ({reason}); a header by ISMRMRD's schema is needed: "
            "convert the raw data again."
        ) from error


def _check_holds_head(path: Path, kept_mm: float, space: Any) -> None:
    """Check that lengths are those of a head in mm, and not in metres."""
    n, mm = space.matrixSize, space.fieldOfView_mm
    remedy = "ISMRMRD tells of millimetres: correct it in the file's header"
    check_field_of_view(f"{path} has a reconSpace.fieldOfView_mm.x", kept_mm, remedy)
    check_field_of_view(f"{path} has an encodedSpace.fieldOfView_mm.y", mm.y, remedy)
    thinnest = min(mm.x / n.x, mm.y / n.y, mm.z / n.z)
    if thinnest < _LEAST_VOXEL_MM or mm.z > LARGEST_MM:
        raise BadFileError(
            f"{path} tells of {(n.x, n.y, n.z)} samples in {(mm.x, mm.y, mm.z)} mm, but of a head "
            f"voxels are {_LEAST_VOXEL_MM:g} mm long or more, and all partitions together "
            f"{LARGEST_MM:g} mm at most; correct encodedSpace in its header."
        )


def _reason(error: Exception) -> str:
    """Why a header cannot be read; xsdata reports missing entries as missing Python arguments."""
    message = str(error).split("\n", maxsplit=1)[0].rstrip(".")
    missing = re.fullmatch(r"(\w+)\.__init__\(\) missing .*? arguments?: (.*)", message)
    if missing is None:
        return message
    holder = missing[1].removesuffix("Type")
    names = re.findall(r"'(\w+)'", missing[2])
    return f"{holder} lacks {' and '.join(names)}"


def _check_encodings(path: Path, header: Any) -> None:
    if len(header.encoding) != 1:
        raise BadFileError(
            f"{path} tells of {len(header.encoding)} encodings; one is needed: give a single "
            "Cartesian scan in a file of its own."
        )
    encoding = header.encoding[0]
    if encoding.trajectory != xsd.trajectoryType.CARTESIAN:
        raise BadFileError(
            f"{path} has a trajectory that is {encoding.trajectory.value}; Cartesian sampling, "
            "line by line, is needed: reconstruct this scan with another program."
        )
    parallel = encoding.parallelImaging
    if parallel is None:
        return
    factors = parallel.accelerationFactor
    along = (factors.kspace_encoding_step_1, factors.kspace_encoding_step_2)
    if max(along) > 1 or (parallel.multiband and parallel.multiband.multiband_factor > 1):
        raise BadFileError(
            f"{path} was acquired with parallel imaging (factors {along[0]} and {along[1]}"
            f"{', multiband' if parallel.multiband else ''}); fully sampled k-space is needed: "
            "fill the missing lines in with another program, such as bart, first."
        )


def header_xml(
    matrix: tuple[int, int, int],
    fov_mm: tuple[float, float, float],
    *,
    n_slices: int,
    n_coils: int,
    repetition_ms: float | None,
    provenance: str,
) -> bytes:
    """XML header of a fully sampled Cartesian scan of a head, without any data on the subject."""
    space = xsd.encodingSpaceType(
        matrixSize=xsd.matrixSizeType(**dict(zip("xyz", matrix, strict=True))),
        fieldOfView_mm=xsd.fieldOfViewMm(**dict(zip("xyz", fov_mm, strict=True))),
    )
    counted = {
        "kspace_encoding_step_0": matrix[0],
        "kspace_encoding_step_1": matrix[1],
        "kspace_encoding_step_2": matrix[2],
    }
    limits = {
        name: xsd.limitType(minimum=0, maximum=n - 1, center=n // 2) for name, n in counted.items()
    }
    for name in ("average", "slice", "contrast", "phase", "repetition", "set", "segment"):
        last = n_slices - 1 if name == "slice" else 0
        limits[name] = xsd.limitType(minimum=0, maximum=last, center=0)
    header = xsd.ismrmrdHeader(
        measurementInformation=xsd.measurementInformationType(
            patientPosition=xsd.patientPositionType.HFS
        ),
        acquisitionSystemInformation=xsd.acquisitionSystemInformationType(
            systemVendor="mcnet", receiverChannels=n_coils
        ),
        # the schema wants a number; no field strength was simulated
        experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=0),
        encoding=[
            xsd.encodingType(
                encodedSpace=space,
                reconSpace=space,
                encodingLimits=xsd.encodingLimitsType(**limits),
                trajectory=xsd.trajectoryType.CARTESIAN,
            )
        ],
        sequenceParameters=(
            None if repetition_ms is None else xsd.sequenceParametersType(TR=[repetition_ms])
        ),
        userParameters=xsd.userParametersType(
            userParameterString=[xsd.userParameterStringType(name="mcnet", value=provenance)]
        ),
    )
    return str(xsd.ToXML(header)).encode("ascii")
