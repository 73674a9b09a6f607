"""Training on two folders of one's own, named on the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from tests.io.dicom.synthetic import write_series


@pytest.mark.slow
def test_training_on_own_folders_needs_only_their_names(train: Callable, runs: Callable, tmp_path: Path) -> None:
    noisy, clean = tmp_path / "noisy", tmp_path / "clean"
    rng = np.random.default_rng(0)
    blob = np.hypot(*(rng.normal(200 * _ball(), 20) for _ in range(2))).astype(np.float32)
    _write_nifti(noisy / "a.nii.gz", blob)
    _write_nifti(noisy / "b.nii.gz", blob[::-1])
    write_series(clean / "series", 300 * _ball())
    _write_nifti(clean / "c.nii.gz", 500 * _ball())

    done = train("train.json", experiment_name="own data", noisy_dir=noisy, clean_dir=clean)

    assert done.returncode == 0, done.stderr
    assert all(value.isfinite().all() for value in torch.load(tmp_path / "model.pt", weights_only=True).values())
    (run,) = runs("own data")
    assert run.info.status == "FINISHED" and "val/psnr_20" in run.data.metrics


def _ball() -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 28, 14)), indexing="ij"))
    return (np.linalg.norm(grid, axis=0) < 0.8).astype(np.float32)


def _write_nifti(path: Path, volume: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([1, 1, 2, 1])), path)
