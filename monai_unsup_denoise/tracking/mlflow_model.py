"""A trained model in MLflow's own format: ``mlflow.pyfunc.load_model(uri).predict(scan)``."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ParamSchema, ParamSpec, Schema, TensorSpec
from monai.bundle import ConfigParser

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings
from monai_unsup_denoise.inference.bundle import read_inference_config
from monai_unsup_denoise.inference.calibration import CALIBRATION_FILES, Calibration, read_calibration

#: Packages of the model; this one brings its own requirements.
REQUIREMENTS = (f"monai-unsup-denoise=={__version__}", f"mlflow=={mlflow.__version__}")

#: Description of each version, since its signature leaves the input open.
USE = (
    "`predict(scan)` takes an array (X, Y, Z) of magnitudes, or the path of a scan (NIfTI, NRRD, MetaImage, MINC, the "
    "folder of a DICOM series), and returns the denoised array. `params` are those of DenoiseSettings and "
    "`with_sigma`, which adds the estimated noise."
)

#: MLflow has no type for "an array or a path" and enforces the types given: the input is left open.
SIGNATURE = ModelSignature(
    outputs=Schema([TensorSpec(np.dtype("float32"), (-1, -1, -1))]),
    params=ParamSchema(
        [ParamSpec(name, "boolean", None) for name in DenoiseSettings().switches()]
        + [ParamSpec("strength", "double", None), ParamSpec("with_sigma", "boolean", False)]
    ),
)


@dataclass
class DenoisingFunction:
    """The function that MLflow calls: one scan in, the denoised array out."""

    denoiser: Denoiser

    def predict(self, scan: Any, params: Mapping[str, Any] | None = None) -> np.ndarray | dict[str, Any]:
        """Denoise one scan.

        Args:
            scan: an array ``(X, Y, Z)`` of magnitudes in any units, or the path of a scan on the machine that computes,
                also in a list or table of one cell, as MLflow's server passes it.
            params: the switches and the strength of `DenoiseSettings`, None for the bundle's choice; ``with_sigma`` for
                the noise.

        Returns:
            The denoised array ``(X, Y, Z)``, float32, in the units of the scan; with ``with_sigma`` a dictionary of
            it as ``denoised`` and of `DenoisedVolume.noise_report`.

        Raises:
            InputError: for a scan that is missing, cannot be read, or is no volume of magnitudes.
        """
        chosen = {name: value for name, value in (params or {}).items() if value is not None}
        with_sigma = chosen.pop("with_sigma", False)
        cells = np.asarray(scan)
        is_path = cells.dtype.kind in "OU"
        if is_path and cells.size != 1:
            raise InputError(f"{cells.size} texts given: give the path of one scan, or an array (X, Y, Z) of numbers")
        image = self.denoiser.load(str(cells.item())) if is_path else self.denoiser.wrap(cells.astype(np.float32))
        volume = self.denoiser.denoise_image(image, replace(self.denoiser.settings, **chosen))
        return {"denoised": volume.denoised, **volume.noise_report()} if with_sigma else volume.denoised


def _load_pyfunc(data_path: str) -> DenoisingFunction:
    """Called by MLflow with the small bundle that `save_mlflow_model` put into the model."""
    return DenoisingFunction(Denoiser.from_bundle(data_path))


def save_mlflow_model(
    folder: str | Path,
    weights: str | Path,
    *,
    config: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write an MLflow model: a small bundle, a signature and a synthetic example, without paths of this machine.

    Args:
        folder: must not exist.
        weights: the ``model.pt`` of a training.
        config: inference config or bundle of the network; by default the bundled one.
        settings: values of that config, by id, that the training changed.

    Raises:
        InputError: if the weights are missing or do not fit the network.
    """
    os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")  # else a project in the current folder is added
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(scratch) / "bundle"
        _write_bundle(bundle, Path(weights), read_inference_config(config), settings or {})
        Denoiser.from_bundle(bundle)
        mlflow.pyfunc.save_model(
            str(folder),
            loader_module=__name__,
            data_path=str(bundle),
            signature=SIGNATURE,
            input_example=_example(),
            pip_requirements=list(REQUIREMENTS),
        )


def register_mlflow_model(
    client: MlflowClient, folder: str | Path, *, name: str, run_id: str, tags: Mapping[str, Any]
) -> ModelVersion:
    """Upload the MLflow model in ``folder`` as an output of a run, and as the newest version of ``name``.

    Not ``mlflow.pyfunc.log_model``, which adds the name of the user and the path of the program.
    """
    tags = {tag: str(value) for tag, value in tags.items()}
    experiment = client.get_run(run_id).info.experiment_id
    model = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags=tags)
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    try:
        client.create_registered_model(name, description="Removes Rician noise from MR magnitude volumes.")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(
        name,
        source=model.artifact_location,  # MLflow would look models:/<id> up in its default store, not the client's
        run_id=run_id,
        model_id=model.model_id,
        tags=tags,
        description=USE,
        await_creation_for=0,
    )


def _write_bundle(folder: Path, weights: Path, parser: ConfigParser, settings: Mapping[str, Any]) -> None:
    """The files that `Denoiser` needs, with all configs merged into one."""
    if not weights.is_file():
        raise InputError(f"{weights}: no such file; train a model first or give another path")
    for name in ("configs", "models"):
        (folder / name).mkdir(parents=True)
    root = Path(parser.get_parsed_content("bundle_root"))
    files = ["configs/metadata.json"]
    if read_calibration(root / "models", model_path=weights) != Calibration():
        files += [f"models/{name}" for name in CALIBRATION_FILES]
    for name in files:
        if (root / name).is_file():
            shutil.copyfile(root / name, folder / name)
    shutil.copyfile(weights, folder / "models" / "model.pt")
    for name, value in {**settings, "bundle_root": ".", "model_path": "$@bundle_root + '/models/model.pt'"}.items():
        parser[name] = value
    ConfigParser.export_config_file(parser.get(), str(folder / "configs" / "inference.json"), indent=2)


def _example() -> np.ndarray:
    clean = np.pad(np.full((10, 10, 10), 100, dtype=np.float32), 3)
    rng = np.random.default_rng(0)
    return np.hypot(clean + rng.normal(0, 10, clean.shape), rng.normal(0, 10, clean.shape)).astype(np.float32)
