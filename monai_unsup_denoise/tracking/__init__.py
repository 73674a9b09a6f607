"""Trainings as runs in MLflow, trained models in its registry."""

from monai_unsup_denoise.extras import require

require("mlflow", extra="train")

from monai_unsup_denoise.tracking.mlflow_model import save_mlflow_model  # noqa: E402
from monai_unsup_denoise.tracking.registration import register_weights  # noqa: E402
from monai_unsup_denoise.tracking.run_tracker import RunTracker  # noqa: E402
from monai_unsup_denoise.tracking.server import check_tracking_server, open_store  # noqa: E402

__all__ = ["RunTracker", "check_tracking_server", "open_store", "register_weights", "save_mlflow_model"]
