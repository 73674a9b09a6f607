"""`--dask`: the voxels, lines and failures of a single process, whatever becomes of a worker."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome
from tests_scale.cohorts.conftest import Cluster, Worker, contents, lines, wait_until, write_dataset, write_scans


def kill_as_outputs_come(worker: Worker, folder: Path, counts: tuple[int, ...]) -> tuple[threading.Thread, list[int]]:
    """Kill a worker when there are as many outputs; the thread that does it, and whom it has killed."""
    killed: list[int] = []

    def kill() -> None:
        for count in counts:
            wait_until(lambda count=count: len(list(folder.glob("*.json"))) >= count, seconds=1800)
            killed.append(worker.kill())

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread, killed


@pytest.mark.parametrize(
    ("count", "kills"), [(24, (4,)), pytest.param(300, (60, 150), marks=pytest.mark.slow)], ids=["24", "300"]
)
def test_killed_worker_costs_nothing(
    count: int,
    kills: tuple[int, ...],
    two_workers: tuple[Cluster, list[Worker]],
    tmp_path: Path,
    smoothing: Path,
    mri_denoise: Callable[..., Outcome],
) -> None:
    cluster, workers = two_workers
    scans = write_scans(tmp_path / "in", count)
    (scans / "scan002.nii.gz").write_bytes(b"no image")
    folders = tmp_path / "one", tmp_path / "many"
    words = ("denoise", scans, "--model", smoothing, "--maps", "sigma", "--threads", 1)
    thread, killed = kill_as_outputs_come(workers[0], folders[1], kills)
    many = mri_denoise(*words[:2], folders[1], *words[2:], "--dask", cluster.address)
    thread.join(10)
    assert len(set(killed)) == len(kills)
    one = mri_denoise(*words[:2], folders[0], *words[2:])
    assert contents(folders[0]) == contents(folders[1]) and len(contents(folders[0])) == 3 * (count - 1)
    assert lines(one, folders[0]) == lines(many, folders[1]) and many.code == 1
    assert re.findall(r"(scan\d+).nii.gz: cannot be read", many.err) == ["scan002"]
    assert "scan0" not in cluster.said(), "names of scans in the log of the cluster"


def test_dataset_is_that_of_a_single_process(
    two_workers: tuple[Cluster, list[Worker]], tmp_path: Path, smoothing: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    cluster, _ = two_workers
    dataset = write_dataset(tmp_path / "dataset", 3)
    (dataset / "sub-02" / "anat" / "sub-02_T1w.nii.gz").write_bytes(b"no image")
    folders = tmp_path / "one", tmp_path / "many"
    words = ("participant", "--model", smoothing, "--threads", 1)
    one = mri_denoise("bids", dataset, folders[0], *words)
    many = mri_denoise("bids", dataset, folders[1], *words, "--dask", cluster.address)
    assert contents(folders[0]) == contents(folders[1]) and len(contents(folders[0])) == 10
    assert lines(one, folders[0]) == lines(many, folders[1]) and many.code == 1
    again = mri_denoise("bids", dataset, folders[1], *words, "--dask", cluster.address)
    assert again.code == 1 and len(re.findall("already done, skipped", again.out)) == 2


def test_outputs_that_exist_are_refused_as_ever(
    two_workers: tuple[Cluster, list[Worker]], tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    cluster, _ = two_workers
    scans = write_scans(tmp_path / "in", 2)
    words = ("denoise", scans, tmp_path / "out", "--model", identity, "--threads", 1, "--dask", cluster.address)
    assert mri_denoise(*words).code == 0
    before = contents(tmp_path / "out")
    refused = mri_denoise(*words)
    assert refused.code == 1 and refused.err.count("exists already; add --overwrite") == 2
    assert contents(tmp_path / "out") == before and mri_denoise(*words, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("in/scan000.nii.gz", "out.nii.gz", "--dask", "local"), "--dask local: is for a folder of scans"),
        (("in", "out", "--dask", "tcp://x:1", "--jobs", 2), "--jobs 2: the cluster tcp://x:1 has its own workers"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: tuple[object, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mri_denoise: Callable[..., Outcome],
) -> None:
    write_scans(tmp_path / "in", 1)
    monkeypatch.chdir(tmp_path)
    outcome = mri_denoise("denoise", *words)
    assert outcome.code == 1 and message in outcome.err and len(outcome.err.splitlines()) == 1
