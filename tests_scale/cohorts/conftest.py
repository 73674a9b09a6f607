"""A real scheduler and real workers on loopback, each a process of its own, and scans for them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import psutil
import pytest

from tests.cli.conftest import Outcome, bundle, identity, magnitudes, mri_denoise, smoothing
from tests.conftest import repository

__all__ = ["bundle", "identity", "mri_denoise", "repository", "smoothing"]

ROOT = Path(__file__).resolve().parents[2]
DASK = Path(sys.executable).with_name("dask")
COMMAND = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()"]
WAIT = 300  # seconds, of a busy machine


def wait_until(condition: Callable[[], object], seconds: float = WAIT) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


class Worker(NamedTuple):
    """The nanny of a worker, which starts it again when it dies."""

    nanny: psutil.Popen

    def processes(self) -> list[psutil.Process]:
        """The worker itself."""
        return [child for child in self.nanny.children(recursive=True) if "spawn_main" in " ".join(child.cmdline())]

    def kill(self) -> int:
        """Kill it as the kernel does for lack of memory; its number, once it is gone."""
        wait_until(self.processes)
        process = self.processes()[0]
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT)
        return process.pid


class Cluster:
    """A scheduler, and workers that are started on demand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[psutil.Popen] = []
        self.file = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        wait_until(lambda: self.file.exists() and "tcp://" in self.file.read_text())
        self.address = re.search(r"tcp://[\d.:]+", self.file.read_text())[0]

    def add_worker(self, *options: object) -> Worker:
        """Start a worker; it joins some seconds later."""
        words = ("--nthreads", "1") if "--nthreads" not in options else ()
        return Worker(
            self._start("worker", "--host", "127.0.0.1", "--no-dashboard", "--memory-limit", "0", *words, *options)
        )

    def said(self) -> str:
        """All that scheduler and workers have logged."""
        return "".join(path.read_text() for path in self._folder.glob("*.log"))

    def end(self) -> None:
        started = [one for process in self._started if process.is_running() for one in process.children(recursive=True)]
        for process in [*self._started, *started]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        for process in self._started:
            process.wait()

    def _start(self, *words: object) -> psutil.Popen:
        command = [str(word) for word in (DASK, *words, "--scheduler-file", self.file)]
        with (self._folder / f"{len(self._started)}.log").open("w") as log:
            # Another folder than that of the command, as on another machine. The path: for functions of the tests.
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            process = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=self._folder, env=environment)
        self._started.append(process)
        return process


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler without workers."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.end()


@pytest.fixture
def two_workers(cluster: Cluster) -> tuple[Cluster, list[Worker]]:
    """A scheduler and two workers."""
    workers = [cluster.add_worker(), cluster.add_worker()]
    wait_until(lambda: cluster.said().count("Register worker") == 2)
    return cluster, workers


def write_scans(folder: Path, count: int, shape: tuple[int, int, int] = (32, 32, 12)) -> Path:
    """A folder of ``count`` scans of 32 x 32 x 12 voxels, no two of them the same."""
    folder.mkdir(parents=True)
    for number in range(count):
        image = nibabel.Nifti1Image(magnitudes(shape) + number, np.eye(4))
        nibabel.save(image, folder / f"scan{number:03d}.nii.gz")
    return folder


def write_dataset(folder: Path, subjects: int) -> Path:
    """A BIDS dataset with a T1w image of each subject."""
    for number in range(1, subjects + 1):
        path = folder / f"sub-{number:02d}" / "anat" / f"sub-{number:02d}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(magnitudes((32, 32, 12)) + number, np.eye(4)), path)
        path.with_name(f"sub-{number:02d}_T1w.json").write_text('{"EchoTime": 0.003}')
    (folder / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines(outcome: Outcome, folder: Path) -> tuple[int, list[str], str]:
    """Exit code, lines in a fixed order and failures, without seconds and the name of the output folder."""
    out = re.sub(r"[\d.]+ s( in|$)", "", outcome.out, flags=re.MULTILINE).replace(str(folder), "OUT")
    return outcome.code, sorted(out.splitlines()), outcome.err.replace(str(folder), "OUT")
