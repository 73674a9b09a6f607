"""Training on the scans of the server."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import monai.bundle
import torch
from monailabel.config import settings
from monailabel.interfaces.datastore import Datastore
from monailabel.tasks.train.bundle import BundleTrainTask
from monailabel.utils.others.generic import device_list

from monai_unsup_denoise.credentials import keep_credentials
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.literal import literal

#: Numbers of ``train.json`` that a request can set.
NUMBERS = {
    "max_epochs": int,
    "iterations_per_epoch": int,
    "batch_size": int,
    "num_workers": int,
    "learning_rate": float,
    "seed": int,
}
_MOST_EPOCHS_BETWEEN_VALIDATIONS = 7


class TrainOnStudies(BundleTrainTask):
    """Train the bundle. The noisy scans are all scans of the server, labelled or not.

    The clean scans are those of ``clean_dir``, or phantoms. The best weights replace the bundle's ``models/model.pt``,
    which answers the next request. Checkpoints and the MLflow run are written to its ``output`` folder; with
    ``MONAI_LABEL_TRACKING_URI`` the run is sent to that server.

    A request can set ``NUMBERS``, ``device``, and ``pretrained``: start from the bundle's weights (default).

    Args:
        bundle: its folder.
        conf: of the app.
    """

    def __init__(self, bundle: Path, conf: dict[str, str]) -> None:
        super().__init__(str(bundle), conf)
        self.clean_dir = conf.get("clean_dir")

    def config(self) -> dict[str, Any]:
        numbers = {name: self.bundle_config[name] for name in NUMBERS}
        return {"device": device_list(), "pretrained": True, **numbers}

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        """MONAI Label starts programs and writes configs for some settings: no others than ours reach it."""
        known = {name: request[name] for name in ("model", "device", "pretrained", *NUMBERS) if name in request}
        return super().__call__(known | {"multi_gpu": False}, datastore)

    def run_single_gpu(self, request: dict[str, Any], overrides: dict[str, Any]) -> None:
        """Only numbers of the request reach the config: MONAI evaluates strings there as Python."""
        numbers = {name: _number(name, request[name]) for name in NUMBERS if name in request}
        epochs = numbers.get("max_epochs", self.bundle_config["max_epochs"])
        weights = Path(self.bundle_path, "models", "model.pt")
        tracking_uri = settings.MONAI_LABEL_TRACKING_URI
        places = {
            "bundle_root": self.bundle_path,
            "clean_dir": self.clean_dir,
            "pretrained": str(weights) if request.get("pretrained", True) else None,
            "tracking_uri": keep_credentials(tracking_uri) if tracking_uri else None,
        }
        with tempfile.TemporaryDirectory() as folder:
            scans = Path(folder, "scans.json")
            scans.write_text(json.dumps({"training": overrides["train#dataset#data"]}), encoding="utf-8")
            monai.bundle.run(
                run_id="run",
                config_file=self.bundle_config_path,
                meta_file=self.bundle_metadata_path,
                device=_device(overrides["device"]),
                noisy_dir=str(scans),
                val_interval=validation_interval(epochs),
                progress=False,
                **numbers,
                **{key: literal(value) for key, value in places.items() if value is not None},
            )

    def _fetch_datalist(self, request: dict[str, Any], datastore: Datastore) -> list[dict[str, str]]:
        scans = [{"image": datastore.get_image_uri(name)} for name in sorted(datastore.list_images())]
        if not scans:
            raise InputError("no scan to train on; put some into the folder of studies")
        return scans

    def _partition_datalist(
        self, datalist: list[dict[str, str]], request: dict[str, Any], shuffle: bool = False
    ) -> Any:
        """All for training: validation needs clean scans, and the bundle holds out some itself."""
        return datalist, None

    def _load_checkpoint(self, *_: Any) -> None:
        """Left to the bundle's ``pretrained``, which also loads averaged weights."""


def validation_interval(epochs: int) -> int:
    """Epochs between validations. It divides ``epochs``, since only validated weights are saved."""
    return next(n for n in range(_MOST_EPOCHS_BETWEEN_VALIDATIONS, 0, -1) if epochs % n == 0)


def _number(name: str, value: Any) -> int | float:
    try:
        number = NUMBERS[name](value)
    except (TypeError, ValueError):
        number = -1
    if number < 0 or (number == 0 and name not in ("seed", "num_workers")):
        raise InputError(f"{name}: {value!r} is not a positive number; give one")
    return number


def _device(name: str) -> str:
    try:
        return str(torch.device(name))
    except RuntimeError:
        raise InputError(f"device: {name!r} is no device; give one of {', '.join(device_list())}") from None
