"""What the page of a reconstruction says: headline, what was done, and what it cannot show."""

from collections.abc import Mapping
from typing import Any

from mcnet.reconstruction.outcome import Reconstruction

LIMITS = (
    "The head is taken to be rigid, with one pose for each phase-encoding line; effects of spin "
    "history and of a field that moves with the head are not modelled.",
    "Motion is looked for within the slices of a 2D scan, and with six degrees of freedom in a 3D "
    "scan. Of one coil, motion that is alike for lines on both sides of the k-space centre, at "
    "equal distances, shows in the sharpness of the image alone, so that errors of some tenths of "
    "a millimetre may stay unnoticed.",
    "The image shows the head in the pose of rest of a motion that was given, or in the mean pose "
    "of one that was found: register it before you compare it with another.",
)
_SCANS = {
    "in-plane": "slices, the head moving within their plane",
    "six-dof": "a 3D volume, the head moving with six degrees of freedom",
}


def headline(result: Reconstruction) -> str:
    """What came of it, in a few words."""
    if result.motion_known:
        return "Reconstructed with the motion that was given"
    if result.accepted:
        return "Motion found in the k-space, and undone"
    shown = "the scan as it is" if result.network is None else "the network’s image"
    return f"No motion found that explains the k-space: {shown}"


def facts(result: Reconstruction) -> list[tuple[str, str]]:
    """Names and values: the scan, its motion, how the image was made, and how well it fits."""
    notes = result.notes
    told = {
        "Scan": _SCANS[notes["route"]],
        "Phase-encoding lines": str(result.motion.n_points),
        "Receiver coils": str(notes["n_coils"]),
        "Motion": _motion(result),
        "Standard deviation of the motion": f"{result.motion.magnitude:.2f} (mm and degrees)",
        **_method(notes),
    }
    if notes["n_coils"] > 1:
        told["Coil maps while the head moves"] = (
            f"a sum of {notes['coil_terms']} terms, off by {_percent(notes['coil_terms_error'])} "
            "at most"
        )
    if "unexplained_share" in notes:
        told["K-space that stays unexplained"] = (
            f"{_percent(notes['unexplained_share'])}; by a head that keeps still "
            f"{_percent(notes['unexplained_share_if_still'])}"
        )
    if "share_of_central_lines_rejected" in notes:
        rejected = _percent(notes["share_of_central_lines_rejected"])
        told["Lines doubted"] = f"{rejected} of the central half"
    return list(told.items())


def _motion(result: Reconstruction) -> str:
    if result.motion_known:
        return "given"
    n_images, *shape = result.notes["searched_shape"]
    grid = " × ".join(str(n) for n in shape)
    model = result.notes["model"]
    start = "the scan as it is" if model is None else f"the image of the network {model}"
    searched = f"{n_images} slices of {grid}" if len(shape) == 2 else f"a volume of {grid}"
    return f"looked for in {searched}, starting from {start}"


def _method(notes: Mapping[str, Any]) -> dict[str, str]:
    """How the image was made from k-space and motion."""
    if notes["method"] != "conjugate gradients":
        return {"Method": f"{notes['method']} (a preview)"}
    steps, solver = notes["n_iterations"], notes["solver"]
    least, most = min(steps), max(steps)
    number = f"{most}" if least == most else f"{least} to {most}"
    return {
        "Method": f"least squares by conjugate gradients, {number} steps",
        "Gradient at the end": f"{_percent(notes['gradient'])} of its first length",
        "Weight of the ridge": f"{solver['ridge']:g}",
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
