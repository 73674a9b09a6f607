"""`--jobs 2`: the voxels and lines of one job, whatever becomes of a scan, of a worker or of the command."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nibabel
import numpy as np
import psutil
import pytest

from tests.cli.conftest import Outcome, bundle, identity, magnitudes, mri_denoise, smoothing

__all__ = ["bundle", "identity", "mri_denoise", "smoothing"]

COMMAND = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()", "denoise"]
SCANS = 8

pytestmark = pytest.mark.slow


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of good scans that take about a second each."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(SCANS):
        image = nibabel.Nifti1Image(magnitudes((64, 64, 32)) + number, np.eye(4))
        nibabel.save(image, folder / f"scan{number}.nii.gz")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(outcome: Outcome, folder: Path) -> tuple[int, str, str]:
    """Without what may differ: seconds, and the name of the folder."""
    out = re.sub(r"[\d.]+ s( in|$)", "", outcome.out, flags=re.MULTILINE)
    return outcome.code, out.replace(str(folder), "OUT"), outcome.err


def test_two_jobs_give_the_voxels_and_lines_of_one(
    scans: Path, tmp_path: Path, smoothing: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    (scans / "scan2.nii.gz").write_bytes(b"no image")
    (scans / "scan5.nii.gz").write_bytes(b"no image")
    folders = tmp_path / "one", tmp_path / "two"
    one, two = (
        mri_denoise("denoise", scans, folder, "--model", smoothing, "--maps", "sigma", "--threads", 1, "--jobs", jobs)
        for jobs, folder in enumerate(folders, 1)
    )
    assert contents(folders[0]) == contents(folders[1]) and len(contents(folders[0])) == 3 * (SCANS - 2)
    assert said(one, folders[0]) == said(two, folders[1])
    assert re.findall(r"^  .*(scan\d).nii.gz: cannot be read", two.err, re.MULTILINE) == ["scan2", "scan5"]
    assert re.findall(r"(scan\d).nii.gz: sigma", two.out) == [f"scan{number}" for number in (0, 1, 3, 4, 6, 7)]


def test_bids_has_jobs_too(tmp_path: Path, smoothing: Path, mri_denoise: Callable[..., Outcome]) -> None:
    dataset = tmp_path / "dataset"
    for subject in ("01", "02"):
        path = dataset / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        nibabel.save(nibabel.Nifti1Image(magnitudes(), np.eye(4)), path)
    (dataset / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    folders = tmp_path / "one", tmp_path / "two"
    one, two = (
        mri_denoise("bids", dataset, folder, "participant", "--model", smoothing, "--threads", 1, "--jobs", jobs)
        for jobs, folder in enumerate(folders, 1)
    )
    assert contents(folders[0]) == contents(folders[1]) and len(contents(folders[0])) == 10
    assert said(one, folders[0]) == said(two, folders[1]) and one.code == 0


@contextmanager
def running(scans: Path, out: Path, identity: Path) -> Iterator[tuple[subprocess.Popen, list[psutil.Process]]]:
    """The command with two jobs, after its first output, and its workers."""
    words = [*COMMAND, str(scans), str(out), "--model", str(identity), "--jobs", "2", "--threads", "1"]
    with (out.parent / "said").open("w") as file, subprocess.Popen(words, stdout=file, stderr=file) as process:
        try:
            deadline = time.monotonic() + 120
            while not list(out.glob("*.json")):
                assert process.poll() is None and time.monotonic() < deadline, (out.parent / "said").read_text()
                time.sleep(0.01)
            workers = psutil.Process(process.pid).children()
            assert len(workers) == 2
            yield process, workers
        finally:
            process.kill()


def assert_whole(out: Path) -> list[str]:
    """Every image that is seen can be read and has its sidecar, and there is nothing else; their names."""
    names = sorted(path.name.removesuffix(".nii.gz") for path in out.glob("*.nii.gz"))
    assert {path.name for path in out.glob("[!.]*")} == {
        f"{name}{end}" for name in names for end in (".nii.gz", ".json")
    }
    for name in names:
        assert nibabel.load(out / f"{name}.nii.gz").get_fdata().shape == (64, 64, 32)
    return names


def test_killed_worker_costs_its_scan_alone(scans: Path, tmp_path: Path, identity: Path) -> None:
    out = tmp_path / "out"
    with running(scans, out, identity) as (process, workers):
        workers[0].kill()
        assert process.wait(120) == 1
    lines = (tmp_path / "said").read_text()
    found = re.findall(
        r"^error: 1 of 8 scans could not be denoised:\n  .*/(scan\d).nii.gz: its process was killed by SIGKILL, .*$",
        lines,
        re.MULTILINE,
    )
    assert len(found) == 1, lines
    assert assert_whole(out) == sorted({f"scan{number}" for number in range(SCANS)} - set(found))
    assert not list(out.glob(".*")) and psutil.wait_procs(workers, timeout=5)[1] == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_leaves_no_process_and_no_part(
    number: signal.Signals, scans: Path, tmp_path: Path, identity: Path
) -> None:
    out = tmp_path / "out"
    with running(scans, out, identity) as (process, workers):
        process.send_signal(number)
        assert process.wait(60) == 130
    assert psutil.wait_procs(workers, timeout=0)[1] == []
    assert len(assert_whole(out)) < SCANS and not list(out.glob(".*"))
    assert "Traceback" not in (tmp_path / "said").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent at once")
def test_killed_command_leaves_no_process(scans: Path, tmp_path: Path, identity: Path) -> None:
    out = tmp_path / "out"
    with running(scans, out, identity) as (process, workers):
        process.kill()
        assert psutil.wait_procs(workers, timeout=30)[1] == []
    assert len(assert_whole(out)) < SCANS and not list(out.glob(".*"))
