"""What an MLflow model of a denoiser holds."""

import torch

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.inference.calibration import CALIBRATION_FILES
from monai_unsup_denoise.tracking.mlflow_model import save_mlflow_model


def test_calibration_goes_with_its_weights_alone(tmp_path):
    weights = bundle_folder() / "models" / "model.pt"
    torch.save({**torch.load(weights), "generator.head.bias": torch.zeros(1)}, tmp_path / "other.pt")
    for name, given, expected in (
        ("own", weights, {"model.pt", *CALIBRATION_FILES}),
        ("other", tmp_path / "other.pt", {"model.pt"}),
    ):
        save_mlflow_model(tmp_path / name, given)
        assert {path.name for path in (tmp_path / name).glob("data/*/models/*")} == expected
