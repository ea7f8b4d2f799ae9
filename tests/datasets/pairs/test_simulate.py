"""Making pairs: in one process, on workers, and through every fault on the way."""

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import zarr
from properties import ellipsoid

from mcnet.core.cluster import local_cluster
from mcnet.core.engine import ONE_CORE
from mcnet.core.errors import McnetError
from mcnet.datasets.pairs.design import PairsDesign
from mcnet.datasets.pairs.loading import load_pairs
from mcnet.datasets.pairs.plan import BLOCK, PairsPlan
from mcnet.datasets.pairs.simulate import prepare, simulate_pairs
from mcnet.datasets.pairs.store import is_complete
from mcnet.datasets.split import Split
from mcnet.datasets.subjects import subjects_in_folder
from mcnet.experiments.config import read_experiment
from mcnet.experiments.gather import pairs_plan
from mcnet.motion.trace import MotionTrace
from mcnet.physics.acquisition import Acquisition

N_TRACES = BLOCK + 5
EXPERIMENT = """
title = "small"
seed = {seed}
[subjects]
folders = ["subjects"]
[motion]
n_generated = 20
scale = 4
[acquisition]
matrix = [18, 26, 22]
fov_mm = [144.0, 156.0, 143.0]
[pairs]
n_slices = 3
spacing_mm = 12.0
"""


@pytest.fixture
def subjects(tmp_path):
    """A folder of three small heads, which other processes can read too."""
    folder = tmp_path / "subjects"
    folder.mkdir()
    for name, radius_mm in (("a", 40.0), ("b", 45.0), ("c", 50.0)):
        values = ellipsoid(
            (33, 37, 35), (4, 4, 4), centre_mm=(4, 0, 0), radii_mm=(radius_mm, 55, 50)
        )
        nib.save(nib.Nifti1Image(values * 300, np.diag([4.0, 4, 4, 1])), folder / f"{name}.nii.gz")
    return folder


@pytest.fixture
def plan(subjects, rng):
    """Two blocks of traces; every subject meets every trace."""
    traces = [
        MotionTrace(3 * rng.normal(size=(26, 3)), 4 * rng.normal(size=(26, 3)), name=f"t{n:02d}")
        for n in range(N_TRACES)
    ]
    names = tuple(trace.name for trace in traces)
    return PairsPlan(
        subjects=subjects_in_folder(subjects),
        subjects_split=Split(("a",), ("b",), ("c",)),
        traces=traces,
        traces_split=Split(names, names, names),
        design=PairsDesign(n_slices=3, spacing_mm=12.0),
        acquisition=Acquisition((18, 26, 22), (144.0, 156.0, 143.0)),
        seed=3,
    )


@pytest.fixture
def undisturbed(tmp_path, plan):
    path = tmp_path / "undisturbed.zarr"
    simulate_pairs(path, plan)
    return contents(path)


def contents(store):
    """Every file of a store and its bytes."""
    return {
        str(path.relative_to(store)): path.read_bytes()
        for path in sorted(store.rglob("*"))
        if path.is_file()
    }


class StoppedError(Exception):
    pass


def stops_after(n_calls):
    calls = []

    def on_progress(done, total):
        calls.append((done, total))
        if len(calls) == n_calls:
            raise StoppedError

    return on_progress


@pytest.mark.slow
def test_progress_counts_images_and_ends_at_all(tmp_path, plan):
    told = []
    made = simulate_pairs(
        tmp_path / "p.zarr", plan, on_progress=lambda done, total: told.append((done, total))
    )
    n_all = 3 * N_TRACES * 2 * 3  # subjects, traces, modes, slices
    assert told[-1] == (n_all, n_all)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (made.n_images, made.n_new) == (n_all, n_all)
    assert made.seconds > 0


@pytest.mark.slow
def test_a_stopped_simulation_does_only_what_is_missing(tmp_path, plan, undisturbed):
    path = tmp_path / "p.zarr"
    with pytest.raises(StoppedError):
        simulate_pairs(path, plan, on_progress=stops_after(3))
    assert not is_complete(path, plan)
    told = []
    made = simulate_pairs(path, plan, on_progress=lambda *counts: told.append(counts))
    assert is_complete(path, plan)
    # three of the six tasks are left: both of c, and b's second block
    n_left = (N_TRACES + N_TRACES - BLOCK) * 2 * 3
    assert made.n_new == n_left
    assert len(told) == 3
    assert contents(path) == undisturbed


@pytest.mark.slow
def test_a_finished_simulation_reads_no_scan_again(tmp_path, plan, subjects):
    path = tmp_path / "p.zarr"
    simulate_pairs(path, plan)
    for scan in subjects.iterdir():
        scan.unlink()
    assert simulate_pairs(path, plan).n_new == 0


@pytest.mark.slow
def test_a_subject_meets_only_the_traces_of_its_own_part(tmp_path, plan):
    """Blocks in which nothing meets cost nothing, and count as done."""
    names = plan.traces_split.train
    parted = replace(plan, traces_split=Split(names[:BLOCK], names[BLOCK:-1], names[-1:]))
    path = tmp_path / "p.zarr"
    made = simulate_pairs(path, parted)
    assert made.n_images == N_TRACES * 2 * 3
    assert is_complete(path, parted)
    scans = zarr.open_group(path, mode="r")["corrupted/rotation"][:]
    met = np.isfinite(scans).all(axis=(2, 3, 4))
    assert met[0].tolist() == [True] * BLOCK + [False] * 5
    assert met[2].tolist() == [False] * (N_TRACES - 1) + [True]


@pytest.mark.slow
def test_workers_make_the_bytes_of_one_process(tmp_path, subjects, plan, undisturbed, monkeypatch):
    """By relative paths, of which workers that start elsewhere must know whereto."""
    path = tmp_path / "p.zarr"
    with local_cluster(2) as cluster:
        monkeypatch.chdir(tmp_path)
        relative = replace(plan, subjects=subjects_in_folder(subjects.relative_to(tmp_path)))
        made = simulate_pairs("p.zarr", relative, cluster=cluster)
    assert made.n_new == made.n_images
    assert contents(path) == undisturbed


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path, plan, undisturbed):
    path = tmp_path / "p.zarr"
    with local_cluster(2) as cluster:
        processes = list(cluster.client.run(os.getpid).values())
        killed = []

        def kill_one(_done, _total):
            if not killed:
                killed.append(processes[0])
                os.kill(processes[0], signal.SIGKILL)

        simulate_pairs(path, plan, cluster=cluster, on_progress=kill_one)
        cluster.client.wait_for_workers(2, timeout=30)
        assert killed[0] not in cluster.client.run(os.getpid).values()
    assert contents(path) == undisturbed


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, subjects):
    experiment = tmp_path / "experiment.toml"
    experiment.write_text(EXPERIMENT.format(seed=1))
    whole, killed = tmp_path / "whole.zarr", tmp_path / "killed.zarr"
    simulate_pairs(whole, pairs_plan(read_experiment(experiment)))
    command = "from mcnet.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "simulate", str(experiment), "-o", str(killed)],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not list(killed.glob("corrupted/rotation/c/*/*")) and process.poll() is None:
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    plan = pairs_plan(read_experiment(experiment))
    assert not is_complete(killed, plan)
    (killed / "corrupted" / "shard.0123456789abcdef.partial").write_bytes(b"half-writ")
    simulate_pairs(killed, plan)
    assert contents(killed) == contents(whole)


@pytest.mark.slow
def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path, plan, undisturbed):
    """A limit on the size of files, as a quota sets it: the references fit, a shard does not."""
    path = tmp_path / "p.zarr"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(McnetError, match=r"p\.zarr cannot be written \(.*has room left"):
            simulate_pairs(path, plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not is_complete(path, plan)
    simulate_pairs(path, plan)
    assert contents(path) == undisturbed


@pytest.mark.slow
def test_a_full_disk_at_a_worker_is_told_here(tmp_path, plan):
    path = tmp_path / "p.zarr"
    with local_cluster(1) as cluster:
        cluster.client.run(resource.setrlimit, resource.RLIMIT_FSIZE, (20_000, 20_000))
        with pytest.raises(McnetError, match=r"p\.zarr cannot be written"):
            simulate_pairs(path, plan, cluster=cluster)


@pytest.mark.slow
def test_pairs_of_another_seed_or_version_are_not_mixed(tmp_path, plan, undisturbed):
    path = tmp_path / "undisturbed.zarr"
    with pytest.raises(McnetError, match=r"holds other pairs \(seed 3, not 4\); name another"):
        simulate_pairs(path, replace(plan, seed=4))
    group = zarr.open_group(path, mode="r+")
    about = group.attrs.asdict()
    group.attrs["key"] = "of another version"
    group.attrs["provenance"] = about["provenance"] | {"version": "0.0.1"}
    with pytest.raises(McnetError, match=r"other pairs \(version 0\.0\.1, not "):
        simulate_pairs(path, plan)
    group.attrs.update(about)
    assert contents(path) == undisturbed


@pytest.mark.slow
def test_pairs_of_other_traces_or_another_design_are_told(tmp_path, plan):
    path = tmp_path / "p.zarr"
    simulate_pairs(path, plan)
    longer = replace(plan, design=replace(plan.design, spacing_mm=8.0))
    with pytest.raises(McnetError, match=r"\(other design\)"):
        simulate_pairs(path, longer)
    backwards = replace(plan, traces=plan.traces[::-1])
    with pytest.raises(McnetError, match=r"subjects or traces in another order"):
        simulate_pairs(path, backwards)
    simulate_pairs(path, longer, replace=True)
    assert is_complete(path, longer)


@pytest.mark.slow
def test_what_is_no_store_of_pairs_is_left_alone(tmp_path, plan):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("all of it")
    with pytest.raises(McnetError, match=r"thesis is there and holds no pairs of mcnet"):
        simulate_pairs(tmp_path / "thesis", plan)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "all of it"
    zarr.create_group(tmp_path / "other.zarr", attributes={"mine": 1})
    with pytest.raises(McnetError, match=r"zarr group that holds no pairs of mcnet"):
        simulate_pairs(tmp_path / "other.zarr", plan)
    (tmp_path / "empty").mkdir()
    simulate_pairs(tmp_path / "empty", plan)
    assert is_complete(tmp_path / "empty", plan)


@pytest.mark.slow
def test_pairs_can_lie_behind_a_url(tmp_path, plan, undisturbed):
    url = (tmp_path / "url.zarr").as_uri()
    simulate_pairs(url, plan)
    assert contents(tmp_path / "url.zarr") == undisturbed
    pairs = load_pairs(url, "test", "rotation")
    here = load_pairs(tmp_path / "undisturbed.zarr", "test", "rotation")
    np.testing.assert_array_equal(pairs.corrupted, here.corrupted)


@pytest.mark.slow
def test_an_object_store_is_resumed_too(plan):
    url = "memory://bucket/pairs.zarr"
    with pytest.raises(StoppedError):
        simulate_pairs(url, plan, on_progress=stops_after(2))
    assert simulate_pairs(url, plan).n_new < simulate_pairs(url, plan).n_images
    assert is_complete(url, plan)


def test_unknown_urls_are_told(plan):
    with pytest.raises(McnetError, match=r"carrier-pigeon://x/y is no place that fsspec knows"):
        simulate_pairs("carrier-pigeon://x/y", plan)


@pytest.mark.slow
def test_a_block_is_what_the_subject_scans(tmp_path, plan):
    """Second route: one scan by the prepared subject, against its place in the store."""
    path = tmp_path / "p.zarr"
    simulate_pairs(path, plan)
    who = prepare(path, plan, 1)
    motion = plan.traces[BLOCK + 2].restricted_to("rotation+translation")
    scan = who.scanned(motion, plan.acquisition, ONE_CORE)
    group = zarr.open_group(path, mode="r")
    stored = group["corrupted/rotation+translation"][1, BLOCK + 2]
    np.testing.assert_array_equal(stored, scan)
    assert group["input_scale/rotation+translation"][1, BLOCK + 2] == pytest.approx(
        np.percentile(scan[who.kept], 99.9), rel=1e-6
    )
