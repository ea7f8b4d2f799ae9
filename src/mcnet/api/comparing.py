"""How alike two scans are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from mcnet.api.scans import Scan, read_scan


@dataclass(frozen=True, eq=False)
class Scores(Mapping[str, float]):
    """Metrics of an image against its reference, by name: ``ssim``, ``ssim_head``, ``psnr``..."""

    by_name: Mapping[str, float]
    definition: str
    """How they are computed, in sentences."""

    def __getitem__(self, name: str) -> float:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)

    def _repr_html_(self) -> str:
        """A table, for notebooks."""
        heads = "".join(f"<th>{escape(name)}</th>" for name in self)
        cells = "".join(f"<td>{value:.4f}</td>" for value in self.values())
        return (
            f"<table><tr>{heads}</tr><tr>{cells}</tr></table><p><small>{escape(self.definition)}"
            "</small></p>"
        )


def compare(reference: Scan, image: Scan) -> Scores:
    """Return SSIM, PSNR and NMSE of an image against its reference, whole and inside the head.

    Parameters
    ----------
    reference
        The scan to compare with: a path, an image of nibabel or a volume.
    image
        A scan on the same grid.

    Returns
    -------
    Scores
        A mapping from names of metrics to numbers, with their ``definition``. Names that end in
        ``_head`` are of the voxels inside the reference's head mask; PSNR is in dB.

    Raises
    ------
    McnetError
        A scan cannot be read, or the two lie on different grids.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from mcnet.datasets.template import template_head
    >>> head = template_head(resolution_mm=8.0)
    >>> smoothed = replace(head, values=(head.values + head.values[::-1]) / 2)
    >>> compare(head, head)["ssim"]
    1.0
    >>> compare(head, smoothed)["ssim_head"] < 1
    True
    """
    from mcnet.evaluation.scans import COMPARISON_DEFINITION, compare_scans
    from mcnet.metrics.registry import definitions

    scores = compare_scans(read_scan(reference), read_scan(image))
    return Scores(scores, f"{definitions(scores)} {COMPARISON_DEFINITION}")
