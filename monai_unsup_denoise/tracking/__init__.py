"""Every run in MLflow, and trained models in its registry."""

from monai_unsup_denoise.extras import require

require("mlflow", extra="train")

from monai_unsup_denoise.tracking.mlflow_model import save_mlflow_model
from monai_unsup_denoise.tracking.registration import register_weights
from monai_unsup_denoise.tracking.run_tracker import RunTracker
from monai_unsup_denoise.tracking.server import check_tracking_server

__all__ = [
    "RunTracker",
    "check_tracking_server",
    "register_weights",
    "save_mlflow_model",
]
