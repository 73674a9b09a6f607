"""A training that is stopped says so in MLflow and leaves no process; none runs code from the current folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bundle.conftest import TINY

COMMAND = Path(sys.executable).with_name("mri-denoise")
LONG = {"max_epochs": 500, "num_workers": 2}

pytestmark = pytest.mark.slow


@pytest.fixture
def mri_denoise_train(tracking_uri: str) -> Callable[..., list[str]]:
    def command(folder: Path, **overrides: object) -> list[str]:
        words = [f"{key}={value}" for key, value in {"tracking_uri": tracking_uri, **overrides}.items()]
        output = ["--output-dir", str(folder / "output")]
        return [
            str(COMMAND),
            "train",
            "--config",
            str(TINY),
            f"dataset_dir={os.environ['MRI_DENOISE_CACHE']}",
            *output,
            *words,
        ]

    return command


def start(command: list[str], folder: Path) -> subprocess.Popen:
    """Start a training in a process group of its own, and wait for its first checkpoint."""
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, cwd=folder, start_new_session=True)
    deadline = time.monotonic() + 240
    while not list(folder.glob("output/checkpoints/*/checkpoint_epoch=1.pt")):
        assert process.poll() is None and time.monotonic() < deadline, (folder / "said").read_text()
        time.sleep(0.05)
    return process


def assert_group_ends(group: int) -> None:
    """The workers of a loader notice the end of their parent within seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.2)
    pytest.fail("a process is left")


@pytest.mark.parametrize(("by", "number"), [("mri-denoise", signal.SIGTERM), ("monai.bundle", signal.SIGHUP)])
def test_signal_ends_the_training_as_killed(
    number: signal.Signals,
    by: str,
    mri_denoise_train: Callable,
    training_command: Callable,
    runs: Callable,
    tmp_path: Path,
) -> None:
    if by == "mri-denoise":
        command = mri_denoise_train(tmp_path, experiment_name=f"{by}{number}", **LONG)
    else:
        command = training_command(tmp_path, "train.json", experiment_name=f"{by}{number}", **LONG)
    process = start(command, tmp_path)
    process.send_signal(number)
    assert process.wait(60) in (130, -signal.SIGINT), "-2 is 130 in a shell"
    assert_group_ends(process.pid)
    (run,) = runs(f"{by}{number}")
    assert (run.info.status, run.data.tags["error"]) == ("KILLED", f"KeyboardInterrupt: {number.name}")
    assert "Traceback" not in (tmp_path / "said").read_text()
    assert not [path for path in tmp_path.rglob(".*") if path.suffix != ".lock"]


def test_kill_of_the_command_leaves_no_training(mri_denoise_train: Callable, tmp_path: Path) -> None:
    process = start(mri_denoise_train(tmp_path, experiment_name="kill", **LONG), tmp_path)
    process.kill()
    process.wait()
    assert_group_ends(process.pid)


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_no_module_of_the_current_folder_is_run(command: str, tmp_path: Path) -> None:
    for name in ("nibabel", "monai", "torch", "ignite", "mlflow", "fire", "transforms", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')\n")
    source = "--noisy-dir" if command == "train" else "--test-dir"
    words = [str(COMMAND), command, "--output-dir", str(tmp_path / "output"), source, str(tmp_path / "nowhere")]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1 and "nowhere: " in done.stderr.splitlines()[-1], done.stderr
    assert not (tmp_path / "run").exists()
