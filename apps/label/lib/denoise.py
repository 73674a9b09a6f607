"""Denoising on request."""

from __future__ import annotations

import copy
import json
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.utils.others.generic import name_to_device

from lib.private_folder import private_folder
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings
from monai_unsup_denoise.inference.written import write_volumes
from monai_unsup_denoise.io.outputs import Job
from monai_unsup_denoise.io.volume_writer import write_volume
from monai_unsup_denoise.io.volumes import open_volumes

_WEIGHTS = "model.pt"


class DenoiseTask(InferTask):
    """Answers MONAI Label's inference requests with a bundle's `Denoiser`.

    Not MONAI Label's ``BundleInferTask``, which expects a segmentation. The result is float32 with the geometry of the
    scan, as ``mri-denoise`` writes it. The type and format that a client asks for are ignored: the plugins always ask
    for the integers of a label.

    A request can set the switches of `DenoiseSettings`, ``device``, and ``model_filename``, a file in the bundle's
    ``models``. The parameters of the answer are those of `DenoisedVolume.noise_report`.

    Args:
        bundle: its folder.

    Raises:
        InputError: for weights that are missing or do not fit.
    """

    def __init__(self, bundle: Path) -> None:
        self.models = bundle / "models"
        self.bundle = bundle
        self._lock = threading.Lock()
        self._loaded: dict[str, tuple[tuple[Path, int], Denoiser]] = {}
        settings = self._denoiser(name_to_device(None), None).settings
        metadata = json.loads((bundle / "configs" / "metadata.json").read_text(encoding="utf-8"))
        super().__init__(
            type=InferType.OTHERS,
            labels=[],
            dimension=3,
            description=metadata["description"],
            # Without those that are decided from the scan: the plugins have no widget for three states.
            config={name: value for name, value in settings.switches().items() if value is not None}
            | {"strength": settings.strength},
        )

    def config(self) -> dict[str, Any]:
        return {**super().config(), "model_filename": self._weights()}

    def _weights(self) -> list[str]:
        return sorted(path.name for path in self.models.glob("*.pt"))

    def is_valid(self) -> bool:
        return True

    def __call__(self, request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The path of a temporary ``.nii.gz``, which MONAI Label removes after sending it, and the noise report.

        Raises:
            InputError: for a scan that cannot be denoised, weights that do not fit, or a setting that is none.
        """
        scan = Path(request["image"])
        output = Path(tempfile.mktemp(suffix=".nii.gz", dir=private_folder()))  # where no other user can make a file
        try:
            denoiser = copy.copy(self._denoiser(name_to_device(request.get("device")), request.get("model_filename")))
            denoiser.settings = requested_settings(request, denoiser.settings)
            denoiser.inferer = denoiser.inferer.with_settings(denoiser.settings)
            report = _denoise(denoiser, scan, output)
        except InputError as error:  # the answer names no folder of the server
            text = str(error)
            for folder in (scan.parent, self.models, output.parent):
                text = text.replace(f"{folder}/", "")
            raise InputError(text) from error
        output.chmod(0o600)
        return str(output), report

    def _denoiser(self, device: str, model_filename: str | list[str] | None) -> Denoiser:
        """The denoiser on ``device``, loaded again when its weights have changed, as after a training."""
        listed = self._weights()
        name = model_filename[0] if isinstance(model_filename, list) and model_filename else model_filename or _WEIGHTS
        if name not in (_WEIGHTS, *listed):
            raise InputError(f"model_filename: {name!r} is none of the weights here: {', '.join(listed)}; give one")
        weights = self.models / name
        with self._lock:
            version = (weights, weights.stat().st_mtime_ns if weights.is_file() else 0)
            if device not in self._loaded or self._loaded[device][0] != version:
                self._loaded[device] = version, Denoiser.from_bundle(self.bundle, model=weights, device=device)
            return self._loaded[device][1]


def _denoise(denoiser: Denoiser, scan: Path, output: Path) -> dict[str, Any]:
    """Denoise a scan, all volumes of it, into a file; returns the noise report."""
    volumes = open_volumes(scan)
    if volumes is not None:
        return write_volumes(denoiser, volumes, Job(scan, output), dtype="float32", overwrite=False)
    volume = denoiser.denoise(scan)
    write_volume(output, volume.denoised, source=scan, affine=volume.affine)
    return volume.noise_report()


def requested_settings(request: dict[str, Any], settings: DenoiseSettings) -> DenoiseSettings:
    """``settings`` with the switches and the strength of a request; null leaves the bundle's choice.

    Raises:
        InputError: for a switch that is not true, false or null, or that is gone; for a strength out of range.
    """
    if request.get("correlated_noise") is not None:
        raise InputError("correlated_noise: correlation is read from the scan; leave it out")
    chosen = {name: request[name] for name in settings.switches() if request.get(name) is not None}
    for name, value in chosen.items():
        if not isinstance(value, bool):
            raise InputError(f"{name}: {value!r} is no switch; give true or false, or leave it out")
    strength = request.get("strength")
    if strength is None:
        return replace(settings, **chosen)
    if isinstance(strength, bool) or not isinstance(strength, int | float):
        raise InputError(f"strength: {strength!r} is no number; give one above 0 and at most 1, or leave it out")
    return replace(settings, **chosen, strength=strength)
