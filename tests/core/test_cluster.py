"""Workers here and elsewhere, and what is said when they are gone."""

import os

import dask
import psutil
import pytest
from distributed import LocalCluster

from mcnet.core import cluster as module
from mcnet.core.cluster import local_cluster, remote_cluster
from mcnet.core.errors import McnetError


@pytest.fixture
def scheduler():
    """A scheduler with one worker, in this process."""
    with LocalCluster(
        n_workers=1,
        processes=False,
        host="127.0.0.1",
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
    ) as running:
        yield running


def test_results_come_back_from_a_scheduler(scheduler):
    with remote_cluster(scheduler.scheduler_address) as cluster:
        first = cluster.submit(divmod, 17, 5, name="first")
        futures = [first, cluster.submit(len, first, name="second")]
        assert sorted(map(str, cluster.finished(futures))) == ["(3, 2)", "2"]


def test_an_error_of_a_task_comes_back_as_it_is(scheduler):
    with remote_cluster(scheduler.scheduler_address) as cluster:
        futures = [cluster.submit(divmod, 1, 0, name="bad")]
        with pytest.raises(ZeroDivisionError):
            list(cluster.finished(futures))


def test_a_scheduler_out_of_reach_is_told(monkeypatch):
    monkeypatch.setattr(module, "_CONNECT_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "127.0.0.1:9", "pigeon://here"):
        with (
            pytest.raises(McnetError, match=f"scheduler at {address} cannot be reached"),
            remote_cluster(address),
        ):
            pass


def test_a_scheduler_without_workers_is_told(monkeypatch):
    monkeypatch.setattr(module, "_WORKERS_S", 0.5)
    with (
        LocalCluster(
            n_workers=0,
            processes=False,
            host="127.0.0.1",
            protocol="tcp",
            dashboard_address="127.0.0.1:0",
        ) as idle,
        pytest.raises(McnetError, match="had no workers for 0.5 s; start some: dask worker tcp://"),
        remote_cluster(idle.scheduler_address),
    ):
        pass


@pytest.mark.slow
def test_a_scheduler_that_goes_away_is_told(scheduler):
    with remote_cluster(scheduler.scheduler_address) as cluster:
        futures = [cluster.submit(divmod, 7, n, name=f"task-{n}") for n in (1, 2, 3)]
        results = cluster.finished([*futures, cluster.submit(_wait, name="long")])
        next(results)
        scheduler.close()
        with pytest.raises(McnetError, match="is gone; start it again"):
            list(results)


@pytest.mark.slow
def test_workers_that_keep_dying_are_told():
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        local_cluster(1) as cluster,
        pytest.raises(McnetError, match=r"the 1 workers here died 1 times over one task"),
    ):
        list(cluster.finished([cluster.submit(os._exit, 1, name="dies")]))


@pytest.mark.slow
def test_local_workers_listen_to_this_machine_alone():
    with local_cluster(1) as cluster:
        addresses = [cluster.client.scheduler.address, *cluster.client.run(os.getpid)]
        assert all(address.startswith("tcp://127.0.0.1:") for address in addresses)
        assert cluster.client.dashboard_link.startswith("http://127.0.0.1:")
        processes = [os.getpid(), *cluster.client.run(os.getpid).values()]
        listening = {place for process in processes for place in _listening(process)}
        assert listening
        assert all(place.startswith("127.0.0.1:") for place in listening)


@pytest.mark.parametrize("n", [0, -1])
def test_impossible_numbers_of_workers_are_refused(n):
    with pytest.raises(McnetError, match="workers are impossible"), local_cluster(n):
        pass


def _wait():
    import time

    time.sleep(5)


def _listening(process):
    """Addresses at which a process waits for connections."""
    connections = psutil.Process(process).net_connections(kind="inet")
    return [f"{one.laddr.ip}:{one.laddr.port}" for one in connections if one.status == "LISTEN"]
