from pathlib import Path

import pytest
import torch

from mcnet.core.errors import McnetError
from mcnet.training.checkpoint import SafetensorsCheckpoint

CHECKPOINT = {
    "epoch": 3,
    "optimizer_states": [{"state": {0: {"step": torch.tensor(7.0)}, 1: {}}, "betas": (0.9, 0.999)}],
    "nothing": None,
    "yes": True,
    "smallest": float("inf"),
    "state_dict": {"scalar": torch.tensor(3), "empty": torch.zeros(0, 2)},
}


def test_a_checkpoint_comes_back_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    SafetensorsCheckpoint().save_checkpoint(CHECKPOINT, path)
    again = SafetensorsCheckpoint().load_checkpoint(path)
    assert repr(again) == repr(CHECKPOINT)  # integer keys, tuples and all
    assert list(again["optimizer_states"][0]["state"]) == [0, 1]


def test_the_layout_of_a_tensor_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    weight = torch.rand(4, 3, 5, 7).to(memory_format=torch.channels_last)
    SafetensorsCheckpoint().save_checkpoint({"weight": weight, "turned": weight[0, 0].T}, path)
    again = SafetensorsCheckpoint().load_checkpoint(path)
    assert torch.equal(again["weight"], weight)
    assert torch.equal(again["turned"], weight[0, 0].T)
    assert again["weight"].stride() == weight.stride()


def test_what_would_need_pickle_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(TypeError, match="cannot hold"):
        SafetensorsCheckpoint().save_checkpoint({"path": tmp_path}, path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    SafetensorsCheckpoint().save_checkpoint(CHECKPOINT, path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(McnetError, match="delete it"):
        SafetensorsCheckpoint().load_checkpoint(path)


def test_a_removed_checkpoint_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    SafetensorsCheckpoint().save_checkpoint(CHECKPOINT, path)
    for _ in range(2):
        SafetensorsCheckpoint().remove_checkpoint(path)
        assert not path.exists()
