"""How the processes of one training find one another, through Lightning."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.fabric.strategies.ddp import DDPStrategy as FabricDDPStrategy
from lightning.pytorch.plugins import TorchSyncBatchNorm
from lightning.pytorch.strategies import DDPStrategy
from torch import distributed

from mcnet.core.errors import McnetError
from mcnet.training.lightning_quiet import quiet_lightning
from mcnet.training.processes import ALONE, Processes
from mcnet.training.shared_batch_norm import SharedBatchNorm
from mcnet.training.training_config import TrainingConfig

_PATIENCE = timedelta(days=30)
"""While the first process simulates, the others wait; one that has died is noticed all the same."""


def is_on_gpu(training: TrainingConfig) -> bool:
    """Whether training with these settings takes GPUs of this machine."""
    return training.device != "cpu" and torch.cuda.is_available()


def check_devices(devices: int, nodes: int, training: TrainingConfig) -> None:
    """Refuse numbers of processes that cannot train so.

    Raises
    ------
    McnetError
        A number is below one, there are too few GPUs, or a batch has no image for each process.
    """
    for name, number in (("devices", devices), ("nodes", nodes)):
        if number < 1:
            raise McnetError(f"--{name} {number} is impossible; give a whole number from 1 on.")
    if training.device == "cuda" and not torch.cuda.is_available():
        raise McnetError("device cuda is not available here; train on cpu, or on auto.")
    n_gpus = torch.cuda.device_count()
    if is_on_gpu(training) and devices > n_gpus:
        raise McnetError(
            f"--devices {devices} asks for more GPUs than this machine has ({n_gpus}); give "
            f'--devices {n_gpus}, or device = "cpu" in the file.'
        )
    if training.batch_size < devices * nodes:
        raise McnetError(
            f"batch_size {training.batch_size} leaves some of {devices * nodes} processes without "
            "an image; give a larger batch_size, or fewer --devices or --nodes."
        )


def is_started(devices: int, nodes: int) -> bool:
    """Whether somebody started this as one of so many processes: torchrun, Slurm, or mcnet.

    Raises
    ------
    McnetError
        Another number was started, or nobody started processes on other nodes.
    """
    n_started, starter = _started()
    asked = f"--devices {devices} and --nodes {nodes} ask for {devices * nodes} processes"
    if n_started is not None and n_started != devices * nodes:
        raise McnetError(
            f"{asked}, but {starter} started {n_started}; give the same numbers to both."
        )
    if n_started is None and nodes > 1:
        raise McnetError(
            f"{asked}, and nobody starts those of the other nodes; begin the command with "
            "torchrun or srun, as docs/how-to/distributed-training.md says."
        )
    return n_started is not None


@contextmanager
def joined(devices: int, nodes: int, training: TrainingConfig) -> Iterator[Processes]:
    """Meet the other processes that were started with this one; alone, there is nobody to meet.

    Raises
    ------
    McnetError
        Another process ended before its work was done.
    """
    if devices * nodes == 1:
        yield ALONE
        return
    environment = _environment(devices * nodes)
    try:
        with quiet_lightning():
            fabric = Fabric(
                accelerator="gpu" if is_on_gpu(training) else "cpu",
                devices=devices,
                num_nodes=nodes,
                strategy=FabricDDPStrategy(),
                plugins=[environment],
            )
            fabric.launch()
        # GPUs wait for one another for minutes only, and this group as long as it takes
        waiting = distributed.new_group(backend="gloo", timeout=_PATIENCE)
        yield Processes(fabric.global_rank, fabric.world_size, nodes, environment, waiting)
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        raise McnetError(
            "another process of this training never came, or ended before its work was done; see "
            "what it told, and give the same command again to go on from the last whole epoch."
        ) from error
    distributed.destroy_process_group()


def trainer_options(processes: Processes, training: TrainingConfig) -> dict[str, Any]:
    """What Lightning's ``Trainer`` is told about processes and devices; ``plugins`` is a list."""
    on_gpu = is_on_gpu(training)
    options = {"accelerator": "gpu" if on_gpu else "cpu", "devices": processes.per_node}
    if processes.n == 1:
        return options | {"plugins": []}
    return options | {
        "num_nodes": processes.n_nodes,
        "strategy": DDPStrategy(),
        "plugins": [
            processes.environment,
            TorchSyncBatchNorm() if on_gpu else SharedBatchNorm(),
        ],
    }


def _started() -> tuple[int | None, str]:
    """How many processes were started with this one, and by whom; none if it is the only one."""
    if TorchElasticEnvironment.detect():
        return int(os.environ["WORLD_SIZE"]), "torchrun"
    if _n_slurm_tasks() > 1:
        return _n_slurm_tasks(), "Slurm"
    if "LOCAL_RANK" in os.environ:
        return int(os.environ.get("WORLD_SIZE", 1)), "the one who set LOCAL_RANK"
    return None, "nobody"


def _environment(n_processes: int) -> ClusterEnvironment:
    if TorchElasticEnvironment.detect():
        return TorchElasticEnvironment()
    if _n_slurm_tasks() == n_processes:
        try:
            return SLURMEnvironment(auto_requeue=False)  # the same command goes on by itself
        except RuntimeError as error:
            raise McnetError(
                "Slurm's --ntasks leaves open how many processes a node has; give "
                "--ntasks-per-node instead, the same number as --devices."
            ) from error
    return LightningEnvironment()


def _n_slurm_tasks() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that srun is there, but not used
        return int(os.environ["SLURM_NTASKS"]) if SLURMEnvironment.detect() else 0


def _is_lost(error: RuntimeError) -> bool:
    """Whether a process that this one waited for is gone; gloo tells so in words alone."""
    return isinstance(error, distributed.DistError) or "gloo" in str(error).lower()
