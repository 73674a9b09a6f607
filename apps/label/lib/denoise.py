"""Denoising on request."""

from __future__ import annotations

import copy
import tempfile
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from monai.inferers import Inferer
from monailabel.interfaces.tasks.infer_v2 import InferType
from monailabel.tasks.infer.bundle import BundleInferTask
from torch import nn

from monai_unsup_denoise.errors import InputError, find_input_error
from monai_unsup_denoise.inference.denoiser import INFERER_SETTINGS
from monai_unsup_denoise.inference.maps import volume_sigma
from monai_unsup_denoise.inference.weights import load_weights
from monai_unsup_denoise.io.volume_writer import write_volume


class DenoiseTask(BundleInferTask):
    """MONAI Label's inference with a bundle, for an image where it expects a segmentation.

    The result is float32 with the scan's own geometry, as `mri-denoise` writes it, whatever type or format the client
    asks for: its plugins ask for the integers of a label, always. ``sigma`` in the answer's parameters is the noise
    level found, in the units of the scan, null where the model has none.

    A request can set ``self_ensemble``, ``varying_noise``, ``keep_floor`` and ``fast``.

    Args:
        bundle: its folder.
        conf: of the app.

    Raises:
        InputError: for weights that are missing or not those of the bundle's network.
    """

    def __init__(self, bundle: Path, conf: dict[str, str]) -> None:
        super().__init__(
            str(bundle),
            conf,
            type=InferType.OTHERS,
            load_strict=True,
            add_post_restore=False,  # it is for labels of another shape than the image, and stamps an affine on them
            config=dict.fromkeys(INFERER_SETTINGS, False),
        )
        weights = bundle / "models" / "model.pt"
        if not self.is_valid():
            raise InputError(f"{weights}: no such file; give a bundle that has been trained")
        load_weights(self.network, weights)

    def run_pre_transforms(self, data: dict[str, Any], transforms: Any) -> dict[str, Any]:
        """Read and prepare the scan; one of several series in a folder is not chosen in silence."""
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*more than one DICOM series")
                return super().run_pre_transforms(data, transforms)
        except Exception as error:
            reason = "cannot be read as one volume of magnitudes; give one NIfTI, NRRD, MetaImage, MINC or DICOM series"
            raise find_input_error(error) or InputError(f"{Path(data['image_path']).name}: {reason}") from error

    def inferer(self, data: dict[str, Any] | None = None) -> Inferer:
        """The bundle's inferer with the settings of the request."""
        own = copy.copy(super().inferer(data))
        for name, attribute in INFERER_SETTINGS.items():
            if data and data.get(name):
                setattr(own, attribute, True)
        return own if data is None or "noise_code" not in data else partial(own, code=data["noise_code"])

    @torch.no_grad()
    def run_inferer(self, data: dict[str, Any], convert_to_batch: bool = True, device: str = "cuda") -> dict[str, Any]:
        """Denoise, and tell the noise level."""
        network = self._get_network(device, data)
        sigma = None
        if getattr(network, "noise_level", None) is not None:
            image = data["image"]
            plain = image.as_tensor()[None].to(device)
            data["noise_code"] = self.inferer(data).noise_code(plain, network)
            sigma = volume_sigma(plain, data["noise_code"], network) * image.meta["reference"]
        data = super().run_inferer(data, convert_to_batch, device)
        data[self.output_json_key] = {"sigma": sigma}
        return data

    def writer(self, data: dict[str, Any], extension: str | None = None, dtype: Any = None) -> tuple[str, dict]:
        """A temporary ``.nii.gz``, which MONAI Label removes when it is sent, and the parameters of the answer."""
        with tempfile.NamedTemporaryFile(suffix=".nii.gz", delete=False) as file:
            path = Path(file.name)
        voxels = data["pred"].as_tensor()[0].cpu().numpy()
        source = Path(data["image_path"])
        write_volume(path, voxels, source=source, affine=data["image"].affine.numpy(), overwrite=True)
        return str(path), data[self.output_json_key]

    def _get_network(self, device: str, data: dict[str, Any] | None) -> nn.Module:
        """Reloaded whenever its file has changed, as after a training."""
        try:
            return super()._get_network(device, data)
        except RuntimeError as error:
            if "state_dict" not in str(error):
                raise
            raise InputError("weights of another network than the bundle's; choose another model_filename") from error
