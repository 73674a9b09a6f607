"""Training on whatever scans the server has."""

from __future__ import annotations

import json

import pytest
import torch

from tests_apps.label.scans import MODEL, head, save

TINY = {"max_epochs": 2, "iterations_per_epoch": 1, "batch_size": 1, "device": "cpu"}


@pytest.fixture
def train(client):
    """Train with these settings; the answer."""

    def run(**settings):
        return client.post(f"/train/{MODEL}", params={"run_sync": True}, json=TINY | settings)

    return run


@pytest.fixture
def model(bundle):
    """The weights that are served; the shipped ones again after the test."""
    path = bundle / "models" / "model.pt"
    shipped = path.read_bytes()
    yield path
    path.write_bytes(shipped)


def difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Largest difference of two state dictionaries of one network."""
    # A training gives one set of weights, without the part for white noise.
    one = {name: value for name, value in one.items() if not name.startswith("white.")}
    assert one.keys() == other.keys()
    return max(float((one[name].float() - other[name].float()).abs().max()) for name in one)


def test_training_on_unlabelled_scans_updates_the_model(client, train, model, bundle) -> None:
    before = torch.load(model, weights_only=True)
    request = {"image": "scan_1", "output": "image"}
    denoised = client.post(f"/infer/{MODEL}", params=request).content
    answer = train(force_multi_gpu=True, gpus="0,1", run_id="none", model_filename=[])  # no settings of ours
    assert answer.status_code == 200, answer.text
    assert not (bundle / "configs" / "monailabel_train.json").exists()
    assert 0 < difference(before, torch.load(model, weights_only=True)) < 0.1
    assert client.post(f"/infer/{MODEL}", params=request).content != denoised


def test_training_without_pretrained_starts_anew(train, model) -> None:
    before = torch.load(model, weights_only=True)
    answer = train(pretrained=False)
    assert answer.status_code == 200, answer.text
    assert difference(before, torch.load(model, weights_only=True)) > 0.5


def test_training_uses_every_scan_labelled_or_not(client, studies, monkeypatch) -> None:
    from monai import bundle
    from monailabel.interfaces.utils.app import app_instance

    seen = {}

    def run(**settings):
        with open(settings["noisy_dir"]) as file:
            seen.update(settings, scans=[item["image"] for item in json.load(file)["training"]])

    monkeypatch.setattr(bundle, "run", run)
    app_instance().train({"model": MODEL, "max_epochs": 10})
    assert seen["scans"] == [str(studies / name) for name in ("scan_1.nii.gz", "scan_2.nii", "series.1")]
    assert seen["max_epochs"] == 10 and seen["val_interval"] == 5


@pytest.mark.parametrize(
    "settings",
    [{"max_epochs": "$__import__('os').abort()"}, {"device": "$__import__('os').abort()"}, {"batch_size": 0}],
)
def test_invalid_setting_gets_422_and_is_not_evaluated(train, settings) -> None:
    answer = train(**settings)
    assert answer.status_code == 422
    assert next(iter(settings)) in answer.json()["detail"]


def test_unusable_training_scan_gets_422_and_its_name(train, client, studies, model) -> None:
    from monailabel.interfaces.utils.app import app_instance

    bad = save(studies / "bad.nii.gz", -head(4))
    app_instance().datastore().refresh()
    try:
        answer = train(iterations_per_epoch=20)
    finally:
        bad.unlink()
        app_instance().datastore().refresh()
    assert answer.status_code == 422
    assert "bad.nii.gz" in answer.json()["detail"] and "negative" in answer.json()["detail"]
