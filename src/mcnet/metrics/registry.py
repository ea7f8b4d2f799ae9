"""The registry of metrics: every table, figure, comparison and command iterates over it.

A metric is one entry of `METRICS`: its name, label, function and direction, where it is measured,
and which tables show it. Each of its variants (whole image or inside the head, as it is or after a
rigid registration to the reference) is one column of a table of results.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Literal

from mcnet.core.errors import McnetError
from mcnet.metrics.checks import Image, Mask
from mcnet.metrics.edges import AES_DEFINITION, average_edge_strength
from mcnet.metrics.similarity import SSIM_DEFINITION, nmse, psnr, ssim, ssim_whole_and_inside
from mcnet.metrics.visual_information import SMALLEST_SIDE, VIF_DEFINITION, vif

DATA_RANGE = 1.0
"""Images are scaled so that the 99.9th percentile of the reference is 1."""

Table = Literal["summary", "trial"]
"""Tables of results: of a whole run, and of the trial of one corrector or reconstruction."""
Measure = Callable[[Image, Image, Sequence[Mask | None]], list[float]]
"""From reference, image and masks (None: the whole image) to one value a mask."""


@dataclass(frozen=True)
class Variant:
    """Where, and of which image, a metric is measured."""

    in_head: bool = False
    """Inside the head, not on the whole image."""
    registered: bool = False
    """After the image was registered rigidly to its reference."""

    @property
    def suffix(self) -> str:
        """What the column's name ends in."""
        return "_head" * self.in_head + "_registered" * self.registered


WHOLE, HEAD = Variant(), Variant(in_head=True)
WHOLE_REGISTERED = Variant(registered=True)
HEAD_REGISTERED = Variant(in_head=True, registered=True)


@dataclass(frozen=True)
class Metric:
    """One metric of image quality."""

    name: str
    """What its columns begin with."""
    label: str
    """As tables and figures print it."""
    measure: Measure
    definition: str
    """In sentences, for a reader who wants to compare with other work."""
    variants: tuple[Variant, ...] = (WHOLE, HEAD)
    """Its columns in a table of results."""
    higher_is_better: bool = True
    needs_reference: bool = True
    perfect: float | None = None
    """The value of an image equal to its reference, where tables tell the share of the deficit to
    it that is recovered: ``(after - before) / (perfect - before)``."""
    whole: str = ""
    """What tables call the whole image; nothing, where no other variant could be meant."""
    unit: str = ""
    digits: int = 3
    """Decimals in tables."""
    tables: frozenset[Table] = frozenset({"summary"})
    """Tables that show it; the files of results hold every metric."""
    smallest_side: int = 1
    """Pixels a side that it needs: of smaller images it is left out."""
    modules: tuple[str, ...] = ()
    """Modules of an extra that it needs: without them it is left out."""

    def measured(self, image: Image, reference: Image | None) -> bool:
        """Whether it can be measured: on an image of this size, with or without a reference."""
        return (
            (reference is not None or not self.needs_reference)
            and min(image.shape[-2:], default=0) >= self.smallest_side
            and all(find_spec(module) for module in self.modules)
        )


@dataclass(frozen=True)
class Column:
    """One variant of a metric: a column of a table of results."""

    metric: Metric
    variant: Variant

    @property
    def name(self) -> str:
        """Its name in files: ``ssim_head_registered``."""
        return self.metric.name + self.variant.suffix

    @property
    def place(self) -> str:
        """Where it is measured, in words: ``in head, registered``."""
        where = "in head" if self.variant.in_head else self.metric.whole
        return f"{where}, registered" if self.variant.registered else where

    @property
    def heading(self) -> str:
        """What a caption or an axis says: ``SSIM, in head, registered``."""
        return ", ".join(part for part in (self.metric.label, self.place) if part)

    @property
    def title(self) -> str:
        """What the head of a table says: ``PSNR in head (dB)``."""
        unit = f"({self.metric.unit})" if self.metric.unit else ""
        return " ".join(part for part in (self.metric.label, self.place, unit) if part)


def _by_mask(function: Callable[..., float], **options: float) -> Measure:
    """A measure from a function of reference, image and ``mask``."""
    return lambda reference, image, masks: [
        function(reference, image, mask=mask, **options) for mask in masks
    ]


def _of_image(function: Callable[..., float]) -> Measure:
    """A measure from a function of an image and ``mask``, which needs no reference."""
    return lambda _, image, masks: [function(image, mask=mask) for mask in masks]


def _ssim(reference: Image, image: Image, masks: Sequence[Mask | None]) -> list[float]:
    """SSIM of the whole image and inside a mask, from one map."""
    match masks:
        case (None, mask) if mask is not None:
            return list(ssim_whole_and_inside(reference, image, data_range=DATA_RANGE, mask=mask))
    return [ssim(reference, image, data_range=DATA_RANGE, mask=mask) for mask in masks]


METRICS: tuple[Metric, ...] = (
    Metric(
        name="ssim",
        label="SSIM",
        measure=_ssim,
        definition=SSIM_DEFINITION,
        variants=(WHOLE, HEAD, WHOLE_REGISTERED, HEAD_REGISTERED),
        perfect=1.0,
        whole="whole image",
    ),
    Metric(
        name="psnr",
        label="PSNR",
        measure=_by_mask(psnr, data_range=DATA_RANGE),
        definition="PSNR: 10 log10(data range² / mean squared error), in dB.",
        unit="dB",
        digits=1,
    ),
    Metric(
        name="nmse",
        label="NMSE",
        measure=_by_mask(nmse),
        definition="NMSE: squared error over the reference's energy; lower is better.",
        higher_is_better=False,
    ),
    Metric(
        name="vif",
        label="VIF",
        measure=_by_mask(vif, data_range=DATA_RANGE),
        definition=VIF_DEFINITION,
        variants=(HEAD_REGISTERED,),
        tables=frozenset({"summary", "trial"}),
        smallest_side=SMALLEST_SIDE,
        modules=("torch", "torchmetrics"),
    ),
    Metric(
        name="aes",
        label="AES",
        measure=_of_image(average_edge_strength),
        definition=AES_DEFINITION,
        variants=(HEAD,),
        needs_reference=False,
        tables=frozenset({"summary", "trial"}),
    ),
)
"""Every metric, in the order of columns: a new one is one more entry, at the end."""

COLUMNS: tuple[Column, ...] = tuple(
    Column(metric, variant) for metric in METRICS for variant in metric.variants
)
COLUMN_NAMES: tuple[str, ...] = tuple(column.name for column in COLUMNS)
PRIMARY = "ssim_head_registered"
"""The column that conclusions go by: neither alignment nor ghosts in the air count there."""
_OF_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}


def column(name: str) -> Column:
    """Return the column of that name.

    >>> column("psnr_head").title
    'PSNR in head (dB)'

    Raises
    ------
    McnetError
        There is none.
    """
    if name not in _OF_NAME:
        raise McnetError(
            f"The metric {name!r} is unknown; choose one of {', '.join(COLUMN_NAMES)}."
        )
    return _OF_NAME[name]


def columns_in(names: Iterable[str], table: Table | None = None) -> list[Column]:
    """Return the registry's columns among the names, in order.

    Only those that a kind of table shows, if one is given. Tables of earlier versions lack the
    metrics that came later.
    """
    present = set(names)
    return [
        one
        for one in COLUMNS
        if one.name in present and (table is None or table in one.metric.tables)
    ]


def higher_is_better(name: str) -> bool:
    """Whether more of a column is better; of a column that is no metric's here, yes.

    >>> higher_is_better("nmse_head"), higher_is_better("ssim")
    (False, True)
    """
    return not any(
        name == one.name or name.startswith(f"{one.name}_")
        for one in METRICS
        if not one.higher_is_better
    )


def definitions(names: Iterable[str]) -> str:
    """Return how the metrics of these columns are defined, in sentences."""
    present = set(names)
    return " ".join(
        one.definition
        for one in METRICS
        if any(name == one.name or name.startswith(f"{one.name}_") for name in present)
    )


def scores(
    image: Image,
    *,
    head: Mask,
    reference: Image | None = None,
    registered: Image | None = None,
) -> dict[str, float]:
    """Return the values of all metrics that can be measured, by column.

    Parameters
    ----------
    image
        On the reference's scale, of which the 99.9th percentile is 1.
    head
        True inside the head.
    reference
        What to compare with; without it, only metrics without a reference are measured.
    registered
        The image after a rigid registration to the reference. Without it, every metric is measured
        on the image as it is.

    Raises
    ------
    McnetError
        The images do not compare.
    """
    found: dict[str, float] = {}
    for metric in METRICS:
        if not metric.measured(image, reference):
            continue
        variants: Iterable[Variant] = metric.variants
        if registered is None:
            variants = dict.fromkeys(replace(one, registered=False) for one in variants)
        for source, is_registered in ((image, False), (registered, True)):
            chosen = [one for one in variants if one.registered == is_registered]
            if source is None or not chosen:
                continue
            masks = [head if one.in_head else None for one in chosen]
            values = metric.measure(image if reference is None else reference, source, masks)
            found |= {metric.name + v.suffix: x for v, x in zip(chosen, values, strict=True)}
    return found
