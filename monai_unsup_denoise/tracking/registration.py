"""Weights in MLflow's model registry, without a training."""

from __future__ import annotations

import tempfile
from pathlib import Path

from monai_unsup_denoise.inference.weights import weights_sha256
from monai_unsup_denoise.tracking.mlflow_model import register_mlflow_model, save_mlflow_model
from monai_unsup_denoise.tracking.run_tracker import RunTracker


def register_weights(
    name: str,
    weights: str | Path,
    *,
    tracking_uri: str,
    config: str | Path | None = None,
    experiment_name: str = "brain_mri_denoise",
) -> str:
    """Register weights in MLflow without a training, such as those that come with the bundle.

    Args:
        name: of the registered model; this is its newest version.
        weights: a ``model.pt``.
        tracking_uri: as in a training.
        config: inference config or bundle whose network this is; that of the package if None.
        experiment_name: where the model is listed, under a run that has nothing else.

    Returns:
        The URI ``models:/<name>/<version>``, for ``mlflow.pyfunc.load_model``.

    Raises:
        InputError: if the server does not answer, or the weights are missing or of another network.
    """
    tracker = RunTracker(tracking_uri, experiment_name=experiment_name, run_name=f"registered {name}")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        save_mlflow_model(folder, weights, config=config)
        tracker.tags["weights_sha256"] = weights_sha256(weights)
        tracker.open_run()
        version = register_mlflow_model(
            tracker.client,
            folder,
            name=name,
            experiment_id=tracker.experiment.experiment_id,
            run_id=str(tracker.run_id),
            tags=tracker.tags,
        )
        tracker.client.set_terminated(tracker.run_id)
    return f"models:/{version.name}/{version.version}"
