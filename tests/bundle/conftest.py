"""Tiny trainings of the shipped configs: a coarse phantom, few features, seconds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "bundles" / "brain_mri_denoise"
CONFIGS = BUNDLE / "configs"
TINY = Path(__file__).with_name("tiny_training.json")


@pytest.fixture(scope="session")
def tracking_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow store for all trainings; making one takes ten seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlruns.db"


@pytest.fixture
def training_command(tracking_uri: str) -> Callable[..., list[str]]:
    """``training_command(folder, *configs, **overrides)``: the command line of a tiny training below ``folder``."""

    def command(folder: Path, *configs: str, **overrides: Any) -> list[str]:
        files = [str(CONFIGS / name) for name in configs] + [str(TINY)]
        settings = {
            "bundle_root": str(BUNDLE),
            "output_dir": f"$'{folder / 'output'}'",
            "model_path": str(folder / "model.pt"),
            "tracking_uri": tracking_uri,
            "dataset_dir": os.environ["MRI_DENOISE_CACHE"],
            **overrides,
        }
        words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
        return [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files), *words]

    return command


@pytest.fixture
def train(tmp_path: Path, training_command: Callable) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a tiny training of the given configs; everything is written below ``tmp_path``."""

    def run(*configs: str, **overrides: Any) -> subprocess.CompletedProcess[str]:
        command = training_command(tmp_path, *configs, **overrides)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture
def runs(tracking_uri: str) -> Callable[[str], list[Run]]:
    """All MLflow runs of an experiment."""

    def find(experiment: str) -> list[Run]:
        client = MlflowClient(tracking_uri)
        found = client.get_experiment_by_name(experiment)
        return [] if found is None else client.search_runs([found.experiment_id])

    return find
