"""New runs in MLflow, without user names or paths."""

import subprocess
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from monai.utils import path_to_uri

import monai_unsup_denoise
from monai_unsup_denoise.tracking.server import database_path


def create_run(client: MlflowClient, experiment_name: str, *, run_name: str, tags: Mapping[str, Any]) -> str:
    """Id of a new run with these tags, the package version and, in a working tree, the commit.

    The tags that MLflow fills with the name of the user and the path of the program get neutral values. With SQLite,
    artifacts are stored in ``mlruns`` in the folder of the database.
    """
    experiment = client.get_experiment_by_name(experiment_name)
    if experiment is None:
        is_local = client.tracking_uri.startswith("sqlite:///")
        location = path_to_uri(database_path(client.tracking_uri).parent / "mlruns") if is_local else None
        experiment = client.get_experiment(client.create_experiment(experiment_name, artifact_location=location))
    # MLflow's pages then show trainings, not language models.
    client.set_experiment_tag(experiment.experiment_id, "mlflow.experimentKind", "custom_model_development")
    all_tags = {
        "mlflow.user": "not recorded",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": "monai-unsup-denoise",
        "package_version": monai_unsup_denoise.__version__,
        **_commit(),
        **{name: str(value) for name, value in tags.items()},
    }
    return client.create_run(experiment.experiment_id, tags=all_tags, run_name=run_name).info.run_id


def _commit() -> dict[str, str]:
    """The commit of the working tree with this package; nothing if it is installed, or without git."""
    file = Path(monai_unsup_denoise.__file__)
    git = partial(subprocess.run, cwd=file.parent, capture_output=True, text=True, timeout=10, check=True)
    try:
        git(["git", "ls-files", "--error-unmatch", file.name])
        return {"mlflow.source.git.commit": git(["git", "rev-parse", "HEAD"]).stdout.strip()}
    except (OSError, subprocess.SubprocessError):
        return {}
