"""Register weights without a training."""

import tempfile
from pathlib import Path

from mlflow import MlflowClient

from monai_unsup_denoise.inference import weights_sha256
from monai_unsup_denoise.tracking.mlflow_model import register_mlflow_model, save_mlflow_model
from monai_unsup_denoise.tracking.runs import create_run
from monai_unsup_denoise.tracking.server import open_store


def register_weights(
    name: str,
    weights: str | Path,
    *,
    tracking_uri: str,
    config: str | Path | None = None,
    experiment_name: str = "brain_mri_denoise",
) -> str:
    """Register weights in MLflow as the newest version of the model ``name``, under a run of their own.

    Args:
        weights: the ``model.pt`` of a training.
        config: inference config or bundle of the network; by default the bundled one.

    Returns:
        The URI ``models:/<name>/<version>``, for ``mlflow.pyfunc.load_model``.

    Raises:
        InputError: if the server does not answer, or the weights are missing or do not fit the network.
    """
    client = MlflowClient(open_store(tracking_uri))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        save_mlflow_model(folder, weights, config=config)
        tags = {"weights_sha256": weights_sha256(weights)}
        run_id = create_run(client, experiment_name, run_name=f"registered {name}", tags=tags)
        version = register_mlflow_model(client, folder, name=name, run_id=run_id, tags=tags)
        client.set_terminated(run_id)
    return f"models:/{version.name}/{version.version}"
