"""The calls on a cluster: who makes them, how often, and what becomes of one that dies, fails or is refused."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dask
import pytest

from monai_unsup_denoise.dask_workers import DaskWorkers
from monai_unsup_denoise.errors import InputError
from tests_scale.cohorts.conftest import Cluster, Worker, wait_until
from tests_scale.cohorts.toy_calls import Loaded, act, write_and_die


def call(
    function: Callable[[Any], Any],
    items: Sequence[object],
    address: str,
    *,
    is_done: Callable[[Any], bool] = lambda item: False,
    on_gpu: bool = False,
) -> list[str | Exception | None]:
    """Results and errors in the order of the items, each of which has one."""
    found: dict[int, str | Exception | None] = {}
    with DaskWorkers(function, address=address, processes=1, threads=1, on_gpu=on_gpu) as workers:
        for number, outcome in workers.outcomes(items, is_done=is_done):
            assert number not in found
            found[number] = outcome.exception() or outcome.result()
    return [found[number] for number in range(len(items))]


@pytest.fixture(autouse=True)
def no_failed_client() -> None:
    """Dask's client that could not connect closes itself when it is collected; while another starts, for ever."""
    gc.collect()


def test_function_is_loaded_once_by_each_worker(two_workers: tuple[Cluster, list[Worker]], tmp_path: Path) -> None:
    cluster, _ = two_workers
    found = call(Loaded(tmp_path), range(12), cluster.address)
    assert [int(str(line).split()[0]) for line in found] == list(range(12))
    processes = {str(line).split()[1] for line in found}
    loaded = [path.name.split("_")[1] for path in tmp_path.glob("loaded_*")]
    assert sorted(loaded) == sorted(processes) and len(processes) == 2


def test_worker_with_threads_makes_one_call_at_a_time(cluster: Cluster, tmp_path: Path) -> None:
    cluster.add_worker("--nthreads", 3)
    call(Loaded(tmp_path), range(3), cluster.address)
    times = sorted((path.stat().st_mtime_ns, path.name) for path in tmp_path.glob("*s_*"))
    assert [name.split("_")[0] for _, name in times] == ["begins", "ends"] * 3


def test_errors_are_those_of_the_function(two_workers: tuple[Cluster, list[Worker]]) -> None:
    cluster, _ = two_workers
    refused, failed, good = call(act, ["refuse", "fail", 3], cluster.file.as_posix())
    assert isinstance(refused, InputError) and str(refused) == "scan: wrong; give another"
    assert not isinstance(failed, InputError) and str(failed) == "ZeroDivisionError: a defect"
    assert good == "3" and "a defect" not in cluster.said()


def test_call_that_kills_its_workers_is_given_up(two_workers: tuple[Cluster, list[Worker]]) -> None:
    cluster, _ = two_workers
    killer, *others = call(act, ["die", 1, 2, 3], cluster.address)
    assert str(killer) == "its worker was lost 4 times, perhaps for lack of memory; give the workers more"
    assert others == ["1", "2", "3"]


def test_done_by_a_lost_worker_is_done(two_workers: tuple[Cluster, list[Worker]], tmp_path: Path) -> None:
    cluster, _ = two_workers
    (tmp_path / "before").touch()
    places = [tmp_path / "new", tmp_path / "before"]
    new, before = call(write_and_die, places, cluster.address, is_done=Path.exists)
    assert new is None, new
    assert isinstance(before, InputError) and "exists already" in str(before)


def test_worker_may_come_later(cluster: Cluster, capfd: pytest.CaptureFixture[str]) -> None:
    with DaskWorkers(act, address=cluster.address, processes=1, threads=1) as workers:
        outcomes = workers.outcomes([1], is_done=bool)
        cluster.add_worker()
        assert next(outcomes)[1].result() == "1"
    assert f"--dask {cluster.address}: no worker yet; waiting for the first one" in capfd.readouterr().err


def test_calls_for_a_gpu_go_to_workers_with_one(cluster: Cluster, tmp_path: Path) -> None:
    cluster.add_worker()
    wait_until(lambda: cluster.said().count("Register worker") == 1)
    with pytest.raises(InputError, match=r"no worker offers a GPU; start the workers with --resources GPU=1$"):
        call(act, [1], cluster.address, on_gpu=True)
    with_gpu = cluster.add_worker("--resources", "GPU=1")
    wait_until(lambda: cluster.said().count("Register worker") == 2)
    found = call(Loaded(tmp_path), range(6), cluster.address, on_gpu=True)
    assert {str(line).split()[1] for line in found} == {str(with_gpu.processes()[0].pid)}


def test_scheduler_that_ends_is_said_in_one_line(two_workers: tuple[Cluster, list[Worker]]) -> None:
    cluster, _ = two_workers
    quickly = {"distributed.comm.timeouts.connect": "2s"}
    with dask.config.set(quickly), DaskWorkers(act, address=cluster.address, processes=1, threads=1) as workers:
        outcomes = workers.outcomes([1, "wait"], is_done=bool)
        assert next(outcomes)[1].result() == "1"
        cluster.scheduler.kill()
        start = time.monotonic()
        with pytest.raises(InputError, match=r"^--dask tcp://.*: the scheduler has ended; start it and give the comma"):
            next(outcomes)
        assert time.monotonic() - start < 60


def test_no_scheduler_is_said_in_one_line() -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(InputError, match=r"^--dask tcp://127.0.0.1:9: no scheduler answers \(.*\); give its address"),
    ):
        DaskWorkers(act, address="tcp://127.0.0.1:9", processes=1, threads=1)


@pytest.mark.parametrize("address", ["nonsense", "no/such.json", "spark://x:1"])
def test_impossible_address_is_refused(address: str) -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(InputError, match=f"^--dask {address}: no scheduler answers"),
    ):
        DaskWorkers(act, address=address, processes=1, threads=1)


def test_function_that_cannot_be_handed_over_is_refused() -> None:
    with pytest.raises(InputError, match=r"^--dask local: not possible with this model \(.*\); leave it out$"):
        DaskWorkers(lambda item: act(item), address="local", processes=1, threads=1)
