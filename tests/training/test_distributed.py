"""Two processes of a CPU do the work of one, and go on where they were killed.

In single precision sums of another order differ by some 1e-7 of a value, so losses of the first
steps agree to 1e-6. Adam makes whole steps of gradients near zero, and L1 of differences near zero,
whatever rounding made their signs: weights of some 0.1 agree to 5e-5 after six steps, and less
where hardly anything is left to learn. Two processes repeat each other to the last digits.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import distributed_work
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import torch
from distributed_work import Work
from lightning.fabric.plugins.environments.lightning import find_free_network_port
from properties import ellipsoid
from torch.multiprocessing.spawn import start_processes

from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.drawn_motion import RandomMotion
from mcnet.datasets.pairs.on_the_fly import OnTheFlyPairs
from mcnet.datasets.pairs.pairs import ImagePairs
from mcnet.datasets.pairs.prepared import prepare_subject
from mcnet.experiments.config import Experiment, MotionConfig, SubjectsConfig, experiment_toml
from mcnet.experiments.reproduce import reproduce
from mcnet.io.volume import Volume
from mcnet.networks.architectures.unet import UNetConfig
from mcnet.networks.weights import read_tensors
from mcnet.physics.acquisition import Acquisition
from mcnet.training.distributed import check_devices, is_started, joined
from mcnet.training.processes import ALONE, Processes, within_cores
from mcnet.training.training import _usual_workers
from mcnet.training.training_config import TrainingConfig

EPOCHS = 5
SIZE_MM = (6.0, 6.0, 6.0)
# processes that start on a busy machine take their time
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

TIMING = ["seconds", "waiting_share"]
STARTERS = ("LOCAL_RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "SLURM_JOB_NAME")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few heads."""
    folder = tmp_path_factory.mktemp("distributed")
    (folder / "heads").mkdir()
    for number, radius in enumerate((52, 58, 64, 70)):
        head = ellipsoid((29, 33, 31), SIZE_MM, centre_mm=(0, 0, 0), radii_mm=(radius, 60, 66))
        head = head * np.linspace(0.5, 1.5, 33, dtype=np.float32)[:, None]
        nib.save(nib.Nifti1Image(head, np.diag([*SIZE_MM, 1])), folder / f"heads/{number}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def experiment(folder: Path) -> Experiment:
    return Experiment(
        title="tiny",
        subjects=SubjectsConfig(folders=(str(folder / "heads"),)),
        motion=MotionConfig(n_generated=5),
        acquisition=Acquisition((24, 32, 32), (192.0, 224.0, 224.0)),
        pairs=PairsDesign(n_slices=3, spacing_mm=20.0, modes=("rotation",)),
        network=UNetConfig(levels=2, width=2, head="residual"),
        training=TrainingConfig(epochs=EPOCHS, batch_size=9, learning_rate=0.003, flips=True),
        recipes=("l1+tv-ft",),
        n_examples=1,
    )


@pytest.fixture(scope="module")
def work(folder: Path, experiment: Experiment) -> Work:
    rng = np.random.default_rng(0)

    def pairs(n_pairs: int, rows: int, columns: int) -> ImagePairs:
        references = rng.random((n_pairs, rows, columns), dtype=np.float32)
        return ImagePairs(
            corrupted=0.7 * references + 0.3 * np.roll(references, 5, axis=1),
            references=references,
            heads=references > rng.random((n_pairs, 1, 1)),
            reference_index=np.arange(n_pairs, dtype=np.int64),
            input_scale=rng.uniform(0.8, 1.3, n_pairs).astype(np.float32),
            table=pd.DataFrame({"subject": [str(row) for row in range(n_pairs)]}),
        )

    scan = Acquisition((20, 26, 22), (150.0, 169.0, 154.0))
    subjects = []
    for radius in (30.0, 58.0):
        values = ellipsoid((29, 33, 31), (5.0,) * 3, centre_mm=(4, 0, 0), radii_mm=(radius, 55, 50))
        values = values * np.linspace(0.5, 1.5, 33, dtype=np.float32)[:, None]
        volume = Volume(values, np.diag([5.0, 5.0, 5.0, 1.0]), f"r{radius:g}")
        subjects.append(prepare_subject(volume, PairsDesign(n_slices=5, spacing_mm=18.0), scan))
    on_the_fly = OnTheFlyPairs(tuple(subjects), RandomMotion(), scan, scans_per_subject=6, seed=7)
    # 13 training images make batches of 5, 4 and 4, 7 of validation of 4 and 3: parts differ
    return Work(pairs(13, 14, 17), pairs(7, 14, 17), on_the_fly, pairs(7, 26, 22), experiment)


@pytest.fixture(scope="module")
def together(work: Work, folder: Path) -> list[dict[str, np.ndarray]]:
    """What two processes found; their trainings lie in the folder ``together``."""
    (folder / "together").mkdir()
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(find_free_network_port())}
    meeting |= {"WORLD_SIZE": "2", "NODE_RANK": "0"}
    start_processes(distributed_work.done_by, (meeting, work, folder / "together"), 2)
    return [dict(np.load(folder / "together" / f"{rank}.npz")) for rank in range(2)]


@pytest.fixture(scope="module")
def single(work: Work, folder: Path) -> dict[str, np.ndarray]:
    """What one process found; its trainings lie in the folder ``single``."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = distributed_work.done(ALONE, work, folder / "single")
    torch.set_num_threads(n_threads)
    return found


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in STARTERS:
        monkeypatch.delenv(name, raising=False)


def all_of(prefix: str, found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: array for name, array in found.items() if name.startswith(prefix)}


def test_parts_join_to_the_whole_in_order() -> None:
    rows = np.arange(11)
    parts = [Processes(rank, 3).part(rows) for rank in range(3)]
    assert [len(part) for part in parts] == [4, 4, 3]
    assert np.array_equal(np.concatenate(parts), rows)


def test_an_error_of_one_process_stops_all_and_is_told_once(together) -> None:
    told, other = "McnetError: the input is bad.", "OtherProcessError: process {} of the training"
    for rank in range(2):
        for failing, found in enumerate(together[rank]["raised"]):
            assert found.startswith(told if failing == rank else other.format(failing))


def test_batch_norm_is_that_of_the_whole_batch(together, single) -> None:
    parts = [all_of("norm.", found) for found in together]
    for name, expected in all_of("norm.", single).items():
        both = [part[name] for part in parts]
        if name in ("norm.output", "norm.image_gradient", "norm.evaluated"):
            found = np.concatenate(both)
        elif name == "norm.weight_gradient":
            found = both[0] + both[1]  # of a sum of losses; Lightning takes the mean of both
        else:
            assert np.array_equal(*both), name
            found = both[0]
        assert np.allclose(found, expected, rtol=1e-5, atol=3e-5), name
    assert np.ptp(single["norm.image_gradient"]) > 0.1


def test_the_mean_of_the_losses_is_the_loss_of_the_batch(together, single) -> None:
    for name, expected in all_of("loss.", single).items():
        both = [found[name] for found in together]
        # a process's gradient is halved by the mean over both
        found = np.concatenate(both) / 2 if name.endswith("gradient") else np.mean(both)
        assert np.allclose(found, expected, rtol=1e-5, atol=1e-9), name
    assert not np.isclose(*(found["loss.weighted.l1"] for found in together), rtol=0.01)


def test_on_the_fly_batches_are_parted_and_every_scan_is_made_once(together, single) -> None:
    for name, expected in all_of("stream.batch", single).items():
        both = [found[name] for found in together]
        assert abs(len(both[0]) - len(both[1])) <= 1
        assert np.array_equal(np.concatenate(both), expected)
    made = [found["stream.made"] for found in together]
    assert (made[0] + made[1])[1:3].max() == 1
    assert all(of_process[1:3].sum() >= 10 for of_process in made)
    assert single["stream.made"][1:3].all()


@pytest.mark.parametrize("name", ["pairs", "on_the_fly"])
def test_a_training_ends_as_that_of_one_process(together, single, folder, name) -> None:
    one, two = (folder / place / name / "weights.safetensors" for place in ("single", "together"))
    (about_one, expected), (about_two, found) = read_tensors(one), read_tensors(two)
    assert about_one.network == about_two.network
    # one may go on with what the other began
    assert about_one.card.fingerprint == about_two.card.fingerprint
    assert list(found) == list(expected)
    for key, value in expected.items():
        assert torch.allclose(found[key].float(), value.float(), rtol=0, atol=5e-5), key
    curves = [pd.read_csv(path.with_name("curve.csv")).drop(columns=TIMING) for path in (one, two)]
    assert np.allclose(*curves, rtol=1e-4, atol=0)
    # one minus a similarity near one: its rounding is that of one, not its own
    assert np.allclose(curves[0][:1], curves[1][:1], rtol=2e-5, atol=2e-7)


def test_an_experiment_is_trained_as_by_one_process(together, single, folder) -> None:
    for name, rtol in (("l1", 1e-2), ("l1-then-l1+tv", 2e-2)):
        curves = [
            pd.read_csv(folder / place / "models/models/rotation" / name / "curve.csv")
            for place in ("single", "together")
        ]
        for column in ("train_l1", "validation_l1", "validation_ssim"):
            assert np.allclose(*(curve[column] for curve in curves), rtol=rtol), (name, column)


def test_a_severity_estimator_is_trained_as_by_one_process(together, single, folder) -> None:
    expected = np.load(folder / "single" / "estimator" / "0.npz")
    for rank in range(2):
        found = np.load(folder / "together" / "estimator" / f"{rank}.npz")
        for key in expected:
            assert np.allclose(found[key], expected[key], rtol=0, atol=5e-5), key
    curves = [pd.read_csv(folder / name / "estimator/curve.csv") for name in ("single", "together")]
    assert np.allclose(*(curve.drop(columns=TIMING) for curve in curves), rtol=2e-4)


def command(folder: Path) -> list[str]:
    given = [str(folder / "e.toml"), "-o", str(folder / "killed"), "--devices", "2"]
    return [sys.executable, "-m", "mcnet", "train", *given]


def wait_until(ready: Callable[[], bool], process: subprocess.Popen) -> None:
    until = monotonic() + 600
    while not ready():
        assert process.poll() is None
        assert monotonic() < until
        sleep(0.01)


def test_a_killed_training_goes_on_under_torchrun_to_the_end_of_an_undisturbed_one(
    together, single, folder, experiment, unstarted, monkeypatch
) -> None:
    (folder / "e.toml").write_text(experiment_toml(experiment, folder))
    models = folder / "killed" / "models" / "rotation"
    curve = models / "l1" / "curve.csv"
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(command(folder), env=environment, start_new_session=True)
    wait_until((models / "l1" / "checkpoint.safetensors").exists, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = pd.read_csv(curve)
    assert len(before) < EPOCHS
    assert not (models / "l1" / "weights.safetensors").exists()

    torchrun = "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"
    given = [sys.executable, *torchrun, *command(folder)[1:]]
    done = subprocess.run(given, env=environment, check=False)
    assert done.returncode == 0
    after = pd.read_csv(curve)
    assert len(after) == EPOCHS
    assert after[:1].equals(before[:1])  # timing included: the first epoch was not repeated
    undisturbed = folder / "together" / "models" / "models" / "rotation"
    for name in ("l1", "l1-then-l1+tv"):
        expected = read_tensors(undisturbed / name / "weights.safetensors")[1]
        found = read_tensors(models / name / "weights.safetensors")[1]
        for key, value in expected.items():
            assert torch.allclose(found[key].float(), value.float(), rtol=1e-5, atol=1e-6), key
    assert not list(models.rglob("checkpoint*"))

    class EvaluatingError(Exception):
        pass

    def evaluate(*_: object) -> None:
        raise EvaluatingError

    for name in ("experiments.folder.simulate_pairs", "experiments.train.train_stage"):
        monkeypatch.setattr(f"mcnet.{name}", None)
    monkeypatch.setattr("mcnet.experiments.reproduce._write_rows", evaluate)
    with pytest.raises(EvaluatingError):
        reproduce(experiment, folder / "killed")


@pytest.mark.parametrize(
    ("devices", "nodes", "told"),
    [
        (0, 1, "--devices 0 is impossible"),
        (-2, 1, "--devices -2 is impossible"),
        (1, 0, "--nodes 0 is impossible"),
        (3, 2, "batch_size 5 leaves some of 6 processes without an image"),
    ],
)
def test_impossible_numbers_are_refused(devices: int, nodes: int, told: str) -> None:
    check_devices(5, 1, TrainingConfig(batch_size=5))
    with pytest.raises(McnetError, match=told):
        check_devices(devices, nodes, TrainingConfig(batch_size=5))


def test_more_devices_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for device in ("cuda", "auto"):
        check_devices(2, 3, TrainingConfig(device=device))
        with pytest.raises(McnetError, match=r"--devices 3 asks for more GPUs .* \(2\)"):
            check_devices(3, 1, TrainingConfig(device=device))
    check_devices(3, 1, TrainingConfig(device="cpu"))


def test_processes_that_others_started_are_found(
    unstarted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_started(2, 1)
    with pytest.raises(McnetError, match="nobody starts those of the other nodes"):
        is_started(1, 2)
    for variables, starter in (
        ({"TORCHELASTIC_RUN_ID": "a", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}, "torchrun"),
        ({"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "train"}, "Slurm"),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "4"}, "the one who set LOCAL_RANK"),
    ):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            assert is_started(2, 2)
            for devices in (1, 2):
                with pytest.raises(McnetError, match=f"but {starter} started 4"):
                    is_started(devices, 1)
    with monkeypatch.context() as patch:
        # one task that is given several devices starts its own processes
        patch.setenv("SLURM_NTASKS", "1")
        assert not is_started(2, 1)


@pytest.mark.parametrize(("n_sharing", "n_workers"), [(1, 8), (4, 3), (8, 1), (32, 0)])
def test_processes_of_one_machine_share_the_cores_that_simulate(
    monkeypatch: pytest.MonkeyPatch, n_sharing: int, n_workers: int
) -> None:
    monkeypatch.setattr("mcnet.training.training.n_cores", lambda: 16)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert _usual_workers(TrainingConfig(device="auto"), n_sharing) == n_workers


@pytest.mark.parametrize(
    ("n_cores", "per_node", "n_threads"), [(16, 1, 3), (2, 1, 2), (4, 2, 2), (2, 8, 1)]
)
def test_processes_of_one_machine_share_its_cores(
    monkeypatch: pytest.MonkeyPatch, n_cores: int, per_node: int, n_threads: int
) -> None:
    monkeypatch.setattr("mcnet.training.processes.n_cores", lambda: n_cores)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with within_cores(Processes(n=per_node)):
            assert torch.get_num_threads() == n_threads
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_alone_nobody_is_met() -> None:
    with joined(1, 1, TrainingConfig()) as processes:
        assert processes is ALONE
    assert not torch.distributed.is_initialized()
