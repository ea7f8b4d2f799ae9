"""Texts of a reconstruction's page: headline, facts of the reconstruction, and its limits."""

from collections.abc import Mapping
from typing import Any

from mcnet.reconstruction.outcome import Reconstruction

LIMITS = (
    "The head is assumed rigid, with one pose per phase-encoding line; effects of spin history and "
    "of a field that moves with the head are not modelled.",
    "Motion is estimated within the slices of a 2D scan, and with six degrees of freedom in a 3D "
    "scan. With one coil, motion that is equal for the lines k and -k affects the sharpness of the "
    "image alone, so that errors of some tenths of a millimetre can pass the data-consistency "
    "check.",
    "The image shows the head in the reference pose of given motion, or in the mean pose of "
    "estimated motion: register it before you compare it with another.",
)
_SCANS = {
    "in-plane": "slices, motion within their plane",
    "six-dof": "a 3D volume, motion with six degrees of freedom",
}


def headline(result: Reconstruction) -> str:
    """Outcome in a few words."""
    if result.motion_known:
        return "Reconstructed with the given motion"
    if result.accepted:
        return "Motion estimated from the k-space and corrected"
    shown = "the scan as it is" if result.initial_image is None else result.initial_image.name
    return f"Estimated motion rejected: {shown}"


def facts(result: Reconstruction) -> list[tuple[str, str]]:
    """Names and values: the scan, its motion, the method, and the residuals."""
    notes = result.notes
    told = {
        "Scan": _SCANS[notes["motion_model"]],
        "Phase-encoding lines": str(result.motion.n_points),
        "Receiver coils": str(notes["n_coils"]),
        "Motion": _motion(result),
        "Standard deviation of the motion": f"{result.motion.magnitude:.2f} (mm and degrees)",
        **_method(notes),
    }
    if notes["n_coils"] > 1:
        told["Low-rank expansion of the coil maps"] = (
            f"{notes['coil_terms']} terms, relative error {_percent(notes['coil_terms_error'])} "
            "at most"
        )
    if "relative_residual" in notes:
        told["Relative residual of the k-space"] = (
            f"{_percent(notes['relative_residual'])}; with a still head "
            f"{_percent(notes['relative_residual_if_still'])}"
        )
    if "share_of_central_lines_rejected" in notes:
        rejected = _percent(notes["share_of_central_lines_rejected"])
        told["Rejected lines"] = f"{rejected} of the central half"
    return list(told.items())


def _motion(result: Reconstruction) -> str:
    if result.motion_known:
        return "given"
    n_images, *shape = result.notes["searched_shape"]
    grid = " × ".join(str(n) for n in shape)
    searched = f"{n_images} slices of {grid}" if len(shape) == 2 else f"a volume of {grid}"
    return f"estimated from {searched}, starting from {result.notes['initial_image']}"


def _method(notes: Mapping[str, Any]) -> dict[str, str]:
    """Method, convergence and regularisation of the reconstruction."""
    if notes["method"] != "conjugate gradients":
        return {"Method": f"{notes['method']} (a preview)"}
    steps, solver = notes["n_iterations"], notes["solver"]
    least, most = min(steps), max(steps)
    number = f"{most}" if least == most else f"{least} to {most}"
    return {
        "Method": f"CG-SENSE (least squares by conjugate gradients), {number} iterations",
        "Norm of the last gradient": f"{_percent(notes['gradient'])} of the first",
        "Weight of the Tikhonov regulariser": f"{solver['ridge']:g}",
    }


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
