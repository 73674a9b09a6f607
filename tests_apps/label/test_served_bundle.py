"""Which bundle a server serves, and which it refuses at the start."""

from __future__ import annotations

import shutil

import pytest
import torch

from monai_unsup_denoise.errors import InputError
from tests_apps.label.scans import APP, MODEL


@pytest.fixture
def start(tmp_path):
    """Start a copy of the app with these settings; returns the folder of the served bundle."""
    from monailabel.interfaces.utils.app import app_instance, clear_cache

    app = tmp_path / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("model", "logs", "bin", "__pycache__"))

    def run(**conf):
        clear_cache()
        started = app_instance(app_dir=str(app), studies=str(tmp_path / "studies"), conf={"unused": "", **conf})
        clear_cache()
        return started.bundle

    return run


def test_restart_serves_the_trained_copy(start) -> None:
    weights = start() / "models" / "model.pt"
    state = torch.load(weights, weights_only=True)
    torch.save({name: value + 1 for name, value in state.items()}, weights)
    trained = weights.read_bytes()
    assert start() / "models" / "model.pt" == weights
    assert weights.read_bytes() == trained


def test_bundle_of_the_user_is_served_in_place(start, bundle) -> None:
    assert start(bundle=str(bundle)) == bundle


def test_folder_without_a_bundle_is_refused(start, tmp_path) -> None:
    with pytest.raises(InputError, match=r"no configs/inference\.json"):
        start(bundle=str(tmp_path))


def test_bundle_without_weights_is_refused(start, bundle, tmp_path) -> None:
    shutil.copytree(bundle / "configs", tmp_path / MODEL / "configs")
    with pytest.raises(InputError, match=r"model\.pt: no such file"):
        start(bundle=str(tmp_path / MODEL))


def test_bundle_with_other_weights_is_refused(start, bundle, tmp_path) -> None:
    other = shutil.copytree(bundle, tmp_path / MODEL)
    torch.save({"head.weight": torch.zeros(3)}, other / "models" / "model.pt")
    with pytest.raises(InputError, match="weights of another network"):
        start(bundle=str(other))
