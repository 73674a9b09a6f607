"""Killed and resumed is the same as never killed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient

SETTINGS = {"experiment_name": "resume", "max_epochs": 4, "iterations_per_epoch": 8}


@pytest.mark.slow
def test_a_killed_and_resumed_training_ends_the_same(
    training_command: Callable, runs: Callable, tracking_uri: str, repository: Path, tmp_path: Path
) -> None:
    def start(folder: Path, **overrides: object) -> subprocess.Popen:
        command = training_command(folder, "train.json", **SETTINGS, **overrides)
        return subprocess.Popen(command, cwd=repository, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    whole, halves = tmp_path / "whole", tmp_path / "halves"
    assert start(whole).wait() == 0
    _kill_in_third_epoch(start(halves), halves)
    half_way = len(_metric_history(runs, tracking_uri, "RUNNING"))
    assert start(halves, resume="latest").wait() == 0

    expected, resumed = _last_checkpoint(whole), _last_checkpoint(halves)
    assert expected.keys() == resumed.keys()
    for part in ("networks", "average", "optimizers", "lr_scheduler", "best_model", "objective"):
        _assert_equal(expected[part], resumed[part], part)
    _assert_equal(
        torch.load(whole / "model.pt", weights_only=True), torch.load(halves / "model.pt", weights_only=True), "best"
    )

    finished = runs("resume")
    assert [run.info.status for run in finished] == ["FINISHED"] * 2, "the resumed run goes on in its own run"
    assert half_way < len(_metric_history(runs, tracking_uri, "FINISHED"))


def _kill_in_third_epoch(process: subprocess.Popen, folder: Path) -> None:
    deadline = time.monotonic() + 120
    while not list(folder.glob("output/checkpoints/*/checkpoint_epoch=2.pt")):
        assert process.poll() is None and time.monotonic() < deadline, "the training ended before its second checkpoint"
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not list(folder.glob("output/checkpoints/*/checkpoint_epoch=4.pt"))


def _last_checkpoint(folder: Path) -> dict:
    (path,) = folder.glob("output/checkpoints/*/checkpoint_epoch=4.pt")
    return torch.load(path, weights_only=True)


def _metric_history(runs: Callable, tracking_uri: str, status: str) -> list:
    run = [run for run in runs("resume") if run.info.status == status][0]  # newest first
    return MlflowClient(tracking_uri).get_metric_history(run.info.run_id, "train/cycle")


def _assert_equal(expected: object, found: object, where: str) -> None:
    if isinstance(expected, dict):
        assert isinstance(found, dict) and expected.keys() == found.keys(), where
        for key in expected:
            _assert_equal(expected[key], found[key], f"{where}.{key}")
    elif isinstance(expected, torch.Tensor):
        assert torch.equal(expected, found), where
    elif isinstance(expected, (list, tuple)):
        assert len(expected) == len(found), where
        for index, pair in enumerate(zip(expected, found, strict=True)):
            _assert_equal(*pair, f"{where}[{index}]")
    else:
        assert expected == found, where
