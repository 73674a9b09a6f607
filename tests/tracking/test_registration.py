"""Models are registered in the store of the client, also without a server."""

from __future__ import annotations

import os

import pytest
from mlflow import MlflowClient

from monai_unsup_denoise.tracking.mlflow_model import register_mlflow_model


@pytest.fixture
def store(tmp_path, monkeypatch) -> str:
    """A store other than MLflow's default one, which would be created in the current folder."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return f"sqlite:///{tmp_path}/store.db"


def test_registration_uses_the_store_of_the_client_only(store, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "MLmodel").write_text("flavors: {}\n")
    client = MlflowClient(store)
    experiment = client.create_experiment("x", artifact_location=f"{tmp_path}/artifacts")
    run = client.create_run(experiment).info.run_id
    environment = dict(os.environ)
    version = register_mlflow_model(client, tmp_path / "model", name="denoiser", run_id=run, tags={})
    assert client.get_model_version("denoiser", version.version).status == "READY"
    assert dict(os.environ) == environment, "mlflow.set_tracking_uri would leave its variable there"
    assert not list((tmp_path / "elsewhere").iterdir())
