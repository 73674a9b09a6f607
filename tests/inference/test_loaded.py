"""Weights are loaded once, kept for some models at a time, and loaded again when a file of theirs has changed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from monai_unsup_denoise import denoise
from monai_unsup_denoise.inference import loaded
from monai_unsup_denoise.inference.loaded import loaded_denoiser

FAST = {"refine": False}
NAMES = {
    "folder": "{home}/own",
    "config": "{home}/own/configs/inference.json",
    "folder at home": "~/own",
    "config at home": "~/own/configs/inference.json",
}


@pytest.fixture
def own(tmp_path, bundle, identity, monkeypatch) -> Path:
    """A bundle of the user's own, in the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own" / "models").mkdir(parents=True)
    shutil.copytree(bundle / "configs", tmp_path / "own" / "configs")
    shutil.copy(identity, tmp_path / "own" / "models" / "model.pt")
    return tmp_path / "own"


def later(path: Path) -> None:
    """Make it a second younger than it was."""
    now = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(now, now))


def test_weights_are_loaded_once_and_kept(tmp_path, volume, identity, smoothing, bundle):
    assert loaded_denoiser(model=identity) is loaded_denoiser(model=str(identity))
    own = tmp_path / "model.pt"
    own.write_bytes(identity.read_bytes())
    first = denoise(volume, model=own, strength=0.5, **FAST)
    settings = loaded_denoiser(model=own).settings
    assert settings.strength == 1 and settings.maps == ()  # a call does not change the shared one
    own.write_bytes(smoothing.read_bytes())  # another training
    assert np.abs(denoise(volume, model=own, **FAST) - first).max() > 1
    assert loaded_denoiser(bundle) is loaded_denoiser(str(bundle))


@pytest.mark.parametrize("kind", NAMES)
def test_changed_bundle_is_loaded_again(kind, own, smoothing):
    name = NAMES[kind].format(home=own.parent)
    first = loaded_denoiser(name, device="cpu")
    assert loaded_denoiser(name, device="cpu") is first

    before = (own / "models" / "model.pt").stat().st_mtime_ns
    shutil.copy(smoothing, own / "models" / "model.pt")
    os.utime(own / "models" / "model.pt", ns=(before, before))
    later(own / "models" / "model.pt")
    trained = loaded_denoiser(name, device="cpu")
    head = "generator.head.weight"
    assert not torch.equal(trained.network.state_dict()[head], first.network.state_dict()[head])

    config = own / "configs" / "inference.json"
    before = config.stat().st_mtime_ns
    config.write_text(json.dumps(json.loads(config.read_text()) | {"strength": 0.5}))
    os.utime(config, ns=(before, before))
    later(config)
    assert loaded_denoiser(name, device="cpu").settings.strength == 0.5


def test_models_used_in_turn_are_all_kept(identity, smoothing):
    first, second = (loaded_denoiser(model=model, device="cpu") for model in (identity, smoothing))
    assert loaded_denoiser(model=identity, device="cpu") is first
    assert loaded_denoiser(model=smoothing, device="cpu") is second


@pytest.mark.parametrize(
    ("in_worker", "given", "used"), [(True, None, "cpu"), (True, "cuda:0", "cuda:0"), (0, None, None)]
)
def test_worker_of_a_loader_computes_on_the_cpu(in_worker, given, used, tmp_path, monkeypatch):
    devices = []
    monkeypatch.setattr(loaded, "get_worker_info", lambda: object() if in_worker else None)
    monkeypatch.setattr(loaded.Denoiser, "from_bundle", lambda *_, device, **__: devices.append(device))
    loaded_denoiser(model=tmp_path / "never.pt", device=given)
    assert devices == [used]


def test_scan_and_weights_in_the_home_folder_are_found(scan, smoothing, monkeypatch):
    expected = denoise(scan, model=smoothing, **FAST).get_fdata()
    monkeypatch.setenv("HOME", str(scan.parent))
    (scan.parent / "own.pt").write_bytes(smoothing.read_bytes())
    np.testing.assert_array_equal(denoise("~/scan.nii.gz", model="~/own.pt", **FAST).get_fdata(), expected)
