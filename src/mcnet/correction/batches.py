"""Batches that the cores of a CPU compute beside one another, each on one core.

PyTorch itself would share every convolution between the cores, which wait for one another after
each: as fast on a machine that does nothing else, but several times slower where others use it too.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import torch

from mcnet.core.engine import Device, n_cores
from mcnet.core.progress import OnProgress, Progress


def in_batches(
    task: Callable[[slice], None],
    n_images: int,
    n_at_once: int,
    *,
    device: Device,
    on_progress: OnProgress | None = None,
) -> None:
    """Call ``task`` for every batch of images, and tell how many are done.

    On a CPU as many tasks run at once as there are cores and PyTorch may use threads, each in one;
    on a GPU they run in turn. A task that fails stops those that have not begun.
    """
    parts = [
        slice(start, min(start + n_at_once, n_images)) for start in range(0, n_images, n_at_once)
    ]
    tell = Progress(on_progress)
    n_threads, n_done = min(torch.get_num_threads(), n_cores()), 0
    if device == "cuda" or n_threads == 1:
        for part in parts:
            task(part)
            tell(part.stop, n_images)
        return
    pool = ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        running = {pool.submit(task, part): part for part in parts}
        for ended in as_completed(running):
            ended.result()
            n_done += running[ended].stop - running[ended].start
            tell(n_done, n_images)
    finally:
        pool.shutdown(cancel_futures=True)
