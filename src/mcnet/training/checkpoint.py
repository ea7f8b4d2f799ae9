"""Lightning's checkpoints without pickle: safetensors with everything else as JSON beside it."""

import json
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from mcnet.core.errors import McnetError
from mcnet.core.writing import written_whole

_KEY = "mcnet-checkpoint"


class SafetensorsCheckpoint(CheckpointIO):
    """One file a checkpoint, written whole or not at all; its metadata holds the JSON."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any | None = None,  # noqa: ARG002  Lightning's own name
    ) -> None:
        """Write what Lightning remembers between two epochs."""
        tensors: dict[str, torch.Tensor] = {}
        content = json.dumps(encoded(checkpoint, tensors))
        with written_whole(Path(path)) as temporary:
            temporary.write_bytes(save(tensors, metadata={_KEY: content}))

    def load_checkpoint(
        self,
        path: str | Path,
        map_location: Any | None = None,
        weights_only: bool | None = None,  # noqa: ARG002  nothing else can be in it
    ) -> dict[str, Any]:
        """Return what was saved, on the CPU unless ``map_location`` is a device.

        Raises
        ------
        McnetError
            The file is damaged.
        """
        device = str(map_location) if isinstance(map_location, str | torch.device) else "cpu"
        try:
            with safe_open(Path(path), framework="pt", device=device) as stream:
                content = json.loads((stream.metadata() or {})[_KEY])
                tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            checkpoint: dict[str, Any] = decoded(content, tensors)
            if not isinstance(checkpoint, dict):
                raise TypeError("no checkpoint")
        except (
            *(SafetensorError, KeyError, ValueError, OSError),
            *(TypeError, AttributeError, RecursionError),
        ) as error:
            raise McnetError(
                f"{path} is no whole checkpoint of mcnet; delete it, and training starts anew."
            ) from error
        return checkpoint

    def remove_checkpoint(self, path: str | Path) -> None:
        """Delete a checkpoint, where there is one."""
        Path(path).unlink(missing_ok=True)


def encoded(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """JSON form of a nested value; its tensors are put into ``tensors``.

    Containers become ``{"dict": [[key, value], ...]}``, ``{"list": [...]}``, ``{"tuple": [...]}``
    and ``{"tensor": [name, is channels-last]}``, so that keys that are numbers stay numbers, and
    resumed arithmetic runs in the order of the undisturbed one.

    Raises
    ------
    TypeError
        The value holds something that is neither a container, a tensor nor a plain value.
    """
    if isinstance(value, torch.Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": [name, _is_channels_last(value)]}
    if isinstance(value, dict):
        pairs = value.items()
        return {"dict": [[encoded(key, tensors), encoded(item, tensors)] for key, item in pairs]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [encoded(item, tensors) for item in value]}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"a checkpoint cannot hold {value!r} of {type(value).__name__}")


def decoded(content: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Value of a JSON form: the inverse of `encoded`."""
    if not isinstance(content, dict):
        return content
    ((kind, inner),) = content.items()
    if kind == "tensor":
        name, channels_last = inner
        layout = torch.channels_last if channels_last else torch.contiguous_format
        return tensors[name].contiguous(memory_format=layout)
    if kind == "dict":
        return {decoded(key, tensors): decoded(item, tensors) for key, item in inner}
    items = [decoded(item, tensors) for item in inner]
    return items if kind == "list" else tuple(items)


def _is_channels_last(tensor: torch.Tensor) -> bool:
    return tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
