import threading
import time
from collections.abc import Iterator

import pytest
import torch

from mcnet.core.engine import Device
from mcnet.correction.batches import in_batches


@pytest.fixture(params=[1, 3])
def n_threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr("mcnet.correction.batches.n_cores", lambda: 8)
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("n_images", [0, 1, 4, 11])
def test_every_image_is_in_one_batch(n_threads: int, n_images: int, device: Device) -> None:
    seen: list[int] = []
    told: list[tuple[int, int]] = []
    in_batches(
        lambda part: seen.extend(range(part.start, part.stop)),
        n_images,
        4,
        device=device,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert sorted(seen) == list(range(n_images))
    assert [total for _, total in told] == [n_images] * -(-n_images // 4)
    assert sorted(told) == told
    assert not told or told[-1] == (n_images, n_images)


def test_tasks_run_beside_one_another_with_one_thread_each(n_threads: int) -> None:
    together = threading.Barrier(n_threads, timeout=20)
    found: list[int] = []

    def task(part: slice) -> None:
        together.wait()
        found.append(torch.get_num_threads())

    in_batches(task, 6, 2, device="cpu")
    assert found == [1, 1, 1]
    assert torch.get_num_threads() == n_threads


def test_a_failure_is_told_and_stops_the_rest(n_threads: int) -> None:
    began: list[int] = []

    def task(part: slice) -> None:
        began.append(part.start)
        time.sleep(0.01)  # long enough for the first failure to be seen
        raise RuntimeError("no memory")

    with pytest.raises(RuntimeError, match="no memory"):
        in_batches(task, 300, 1, device="cpu")
    assert len(began) < 300
    assert torch.get_num_threads() == n_threads


def test_no_more_tasks_run_at_once_than_there_are_cores(
    n_threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mcnet.correction.batches.n_cores", lambda: 1)
    threads: set[int] = set()
    in_batches(lambda _: threads.add(threading.get_ident()), 8, 1, device="cpu")
    assert threads == {threading.get_ident()}
