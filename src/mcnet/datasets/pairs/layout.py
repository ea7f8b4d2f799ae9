"""The arrays of a store of pairs: names, shapes and codecs, and how a damaged store is told.

Every chunk ends with a checksum, so that a byte that changed is an error when it is read. What was
never written, or has gone, zarr reads as the array's fill value: NaN, and 255 for masks, which no
pair holds. So a missing chunk is told from any image, a dark one too.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.core.sync import sync

from mcnet.core.errors import McnetError
from mcnet.core.renamed import with_new_names
from mcnet.datasets.pairs.plan import BLOCK, LAYOUT, manifest_key
from mcnet.motion.poses import AXES

OF_SUBJECT = ("references", "heads", "kept", "positions_mm")
"""Arrays with one row a subject."""
OF_TRACE = ("translation_mm", "rotation_deg")
"""Arrays with one row a trace."""
BY_MODE = ("corrupted", "input_scale")
"""Groups of arrays, one a mode, with a row each subject and a column each trace."""
_NOTHING = {"f4": np.nan, "f8": np.nan, "u1": 255}
"""Fill values, by data type."""


class DamagedError(McnetError):
    """A store, or a part of it, cannot be read, is missing, or has changed."""


def lay_out(group: Any, manifest: Mapping[str, Any]) -> None:
    """Make the arrays of a manifest; what they hold already stays."""
    model = _model(manifest)
    for name in _nodes(manifest):
        expected = model[name]
        if _is_like(group, name, expected):
            continue
        # the description alone; without it zarr takes a node for new
        sync(group.store.delete(f"{group.path}/{name}/zarr.json".lstrip("/")))
        if name in BY_MODE:
            group.create_group(name)
            continue
        group.create_array(
            name,
            shape=expected.shape,
            dtype=expected.dtype,
            chunks=expected.chunks,
            shards=expected.shards,
            fill_value=expected.fill_value,
            compressors=expected.compressors,
        )


def check_layout(group: Any, location: object) -> dict[str, Any]:
    """Manifest of a store whose manifest and arrays are as they were laid out.

    Raises
    ------
    McnetError
        It holds other things than pairs of mcnet, or those of an earlier layout.
    DamagedError
        Manifest or arrays have changed.
    """
    about: dict[str, Any] = group.attrs.asdict()
    if "key" not in about:
        raise McnetError(f"{location} is a zarr group that holds no pairs of mcnet; name another.")
    if about.get("layout") != LAYOUT:
        raise other_layout(location)
    with damage_told(f"{location} (its manifest)"):
        key = about.pop("key")
        if manifest_key(about) != key:
            raise ValueError("manifest and key differ")
        about = with_new_names(about)
        model = _model(about)
    for name in _nodes(about):
        if not _is_like(group, name, model[name]):
            raise damaged(f"{location} (the description of {name})")
    return about


def read_whole(
    group: Any, name: str, what: str, row: int | None = None, columns: Sequence[int] = ()
) -> Any:
    """Array of a store, a row of it, or some columns of a row, every value of which was written.

    Parameters
    ----------
    group
        The store.
    name
        Of the array.
    what
        What is read, for the sentence.
    row
        The whole array, if none is given.
    columns
        In ascending order; all of the row, if none is given.

    Raises
    ------
    DamagedError
        A chunk is missing or has changed.
    """
    with damage_told(what):
        if row is None:
            values = group[name][:]
        elif not columns:
            values = group[name][row]
        else:  # zarr reads a slice ten times as fast as a list of columns
            first, last = columns[0], columns[-1]
            values = group[name][row, first : last + 1]
            if len(columns) < len(values):
                values = values[np.asarray(columns) - first]
        missing = values == _NOTHING["u1"] if values.dtype == np.uint8 else np.isnan(values)
        if missing.any():
            raise ValueError("a chunk is missing")
    return values


def write_block(group: Any, name: str, row: int, block: int, values: Any) -> None:
    """Write what a subject and a block of traces have in an array, whatever was there."""
    array = group[name]
    key = array.metadata.encode_chunk_key((row, block, *[0] * (array.ndim - 2)))
    # zarr reads a shard before it writes to it, and a damaged one cannot be read
    sync(array.store.delete(f"{array.path}/{key}"))
    array[row, block * BLOCK : block * BLOCK + len(values)] = values


@contextmanager
def damage_told(what: str) -> Iterator[None]:
    """Tell whatever zarr raises for content that it cannot read as damage, in a sentence."""
    try:
        yield
    except McnetError:
        raise
    except Exception as error:  # each of zarr's parsers and codecs has errors of its own
        raise damaged(what) from error


def damaged(what: str) -> DamagedError:
    """Return the sentence about damage, to be raised."""
    return DamagedError(
        f"{what} is damaged or not whole; give the command that made these pairs again, which "
        "makes what is missing, or delete the store and run it anew."
    )


def other_layout(location: object) -> McnetError:
    """Return the sentence about pairs of an earlier version, to be raised."""
    return McnetError(
        f"{location} holds pairs of an earlier version of mcnet, without checksums; delete it, or "
        "name another output, and make them anew."
    )


def _nodes(manifest: Mapping[str, Any]) -> list[str]:
    """Paths of all groups and arrays of a store, parents first."""
    modes = manifest["design"]["modes"]
    by_mode = [f"{kind}/{mode}" for mode in modes for kind in BY_MODE]
    return [*OF_SUBJECT, *OF_TRACE, *BY_MODE, *by_mode]


def _model(manifest: Mapping[str, Any]) -> Any:
    """Empty group in memory with every array of a manifest."""
    group: Any = zarr.create_group({})
    n_subjects, n_traces = len(manifest["subjects"]), len(manifest["traces"])
    matrix, n_slices = manifest["acquisition"]["matrix"], manifest["design"]["n_slices"]
    images = (n_slices, *matrix[1:])
    n_lines = matrix[AXES.index(manifest["acquisition"]["phase_encoding_axis"])]

    def lay_out_one(name: str, dtype: str, *shape: int, **pieces: tuple[int, ...]) -> None:
        group.create_array(
            name,
            shape=shape,
            dtype=dtype,
            fill_value=_NOTHING[dtype],
            compressors=[ZstdCodec(level=0), Crc32cCodec()],
            **pieces,
        )

    lay_out_one("references", "f4", n_subjects, *images, chunks=(1, *images))
    lay_out_one("heads", "u1", n_subjects, *images, chunks=(1, *images))
    lay_out_one("kept", "u1", n_subjects, n_slices, chunks=(1, n_slices))
    lay_out_one("positions_mm", "f8", n_subjects, n_slices, chunks=(1, n_slices))
    for name in OF_TRACE:
        lay_out_one(name, "f8", n_traces, n_lines, 3, chunks=(n_traces, n_lines, 3))
    for mode in manifest["design"]["modes"]:
        lay_out_one(
            f"corrupted/{mode}",
            "f4",
            *(n_subjects, n_traces, *images),
            chunks=(1, 1, *images),
            shards=(1, BLOCK, *images),
        )
        lay_out_one(f"input_scale/{mode}", "f4", n_subjects, n_traces, chunks=(1, BLOCK))
    return group


def _is_like(group: Any, name: str, model: Any) -> bool:
    """Whether an array or group is there and described as its model is."""
    try:
        return bool(group[name].metadata.to_dict() == model.metadata.to_dict())
    except Exception:  # as in `damage_told`
        return False
