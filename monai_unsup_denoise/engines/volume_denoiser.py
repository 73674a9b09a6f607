"""One scan in, one denoised scan out, as the bundle's inference config says."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from torch import nn

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.engines.output_maps import OutputMapsd, volume_sigma
from monai_unsup_denoise.errors import InputError, find_input_error

#: Settings that not every inferer knows, and its attribute where it does.
INFERER_SETTINGS = {
    "varying_noise": "varying_noise",
    "self_ensemble": "mirrored",
    "keep_floor": "keep_floor",
    "fast": "fast",
}


@dataclass(frozen=True)
class DenoisedVolume:
    """A scan before and after: arrays ``(X, Y, Z)`` as the axes lie in the file, float32, in scanner units.

    Attributes:
        noisy: the scan as it was read.
        denoised: the scan without its noise.
        affine: from voxels to millimetres, right-anterior-superior, ``(4, 4)``.
        meta: what the reader knows of the file.
        sigma: standard deviation of the noise in each complex channel, in scanner units; None where the model
            has no noise level. Where the noise varies, what is typical of tissue.
        sigma_percent: sigma in percent of the maximum of the denoised scan, or None. The maximum is the 99.9th
            percentile: a few bright vessels do not count.
        noise_varies: whether it was denoised by a map of the noise level.
        noise_correlated: whether the noise was read from every second voxel, that of neighbours being alike.
        maps: further arrays ``(X, Y, Z)`` by name, in scanner units: those asked for of ``sigma`` (noise level),
            ``residual`` (what was removed) and ``uncertainty`` (standard deviation of the error to expect).
    """

    noisy: np.ndarray
    denoised: np.ndarray
    affine: np.ndarray
    meta: dict[str, Any]
    sigma: float | None
    sigma_percent: float | None
    noise_varies: bool = False
    noise_correlated: bool = False
    maps: dict[str, np.ndarray] = field(default_factory=dict)


class VolumeDenoiser:
    """Denoise files with the network, preprocessing and inferer of a bundle's ``configs/inference.json``.

    The same voxels as ``python -m monai.bundle run --config_file inference.json``, and the noise level besides.

    Args:
        bundle: folder of a bundle, or an inference config, laid over the ``inference.json`` beside it if there is
            one; by default the bundle that comes with the package.
        model: file of weights in place of the config's.
        device: such as ``cpu`` or ``cuda:0``, in place of the config's.
        settings: further values of the config by id, such as ``self_ensemble``; None leaves the config's.
        progress: show a progress bar for each volume.
        network: in place of the config's network and its weights, with all that the inferer asks of one.

    Raises:
        InputError: for a bundle or weights that are missing or do not fit, or a device that is not there.
    """

    def __init__(
        self,
        bundle: str | Path | None = None,
        *,
        model: str | Path | None = None,
        device: str | None = None,
        network: nn.Module | None = None,
        settings: Mapping[str, Any] | None = None,
        progress: bool = False,
    ) -> None:
        configs = inference_configs(bundle)
        parser = ConfigParser()
        parser.read_config([str(config) for config in configs])
        parser["bundle_root"] = str(configs[0].parent.parent)
        if model is not None:
            parser["model_path"] = str(model)
        if device is not None:
            parser["device"] = _device(device)
        for name, value in (settings or {}).items():
            if value is not None:
                parser[name] = value
        try:
            self.device: torch.device = parser.get_parsed_content("device")
            self.preprocessing = parser.get_parsed_content("preprocessing")
            self.inferer = parser.get_parsed_content("inferer")
            _check_settings(self.inferer, settings or {})
            self.inferer.progress = progress
            chosen = parser.get_parsed_content("load_model")() if network is None else network
        except RuntimeError as error:
            raise find_input_error(error) or error from None
        self.network: Any = chosen.to(self.device).eval()
        factor = "uncertainty_factor"
        self.uncertainty_factor: float = parser.get_parsed_content(factor) if factor in parser else 1.0
        self.model_path = Path(parser.get_parsed_content("model_path")) if network is None else None

    def denoise(self, path: str | Path) -> DenoisedVolume:
        """Denoise the file, or the folder of one DICOM series, at ``path``; nothing is written.

        Raises:
            InputError: if it is missing, cannot be read, or is no volume of magnitudes.
        """
        return self.denoise_image(self.load(path))

    @torch.no_grad()
    def denoise_image(self, image: Any, maps: Sequence[str] = ()) -> DenoisedVolume:
        """Denoise what :meth:`load` returned, and make the ``maps`` that are named, of ``OUTPUT_MAPS``.

        Raises:
            InputError: for a map that the model cannot make, having no noise level.
        """
        reference = float(image.meta["reference"])
        inputs = image.as_tensor()[None].to(self.device)
        code = self.inferer.noise_code(inputs, self.network)
        pred = self.inferer(inputs, self.network, code=code)[0]
        denoised = _scanner_units(pred, reference)
        sigma = None
        is_correlated = False
        if getattr(self.network, "noise_level", None) is not None:
            stride_of = getattr(self.inferer, "stride_of", None)
            is_correlated = stride_of is not None and max(stride_of(inputs, self.network)) > 1
            sigma = reference * volume_sigma(inputs, code, self.network)
        elif {"sigma", "uncertainty"} & set(maps):
            raise InputError(f"map {sorted(set(maps) - {'residual'})[0]!r}: this model does not tell the noise level")
        add_maps = OutputMapsd(
            maps, network=self.network, inferer=self.inferer, uncertainty_factor=self.uncertainty_factor
        )
        made = add_maps({"image": image, "pred": pred})
        maximum = float(np.percentile(denoised, 99.9))
        return DenoisedVolume(
            noisy=_scanner_units(image.as_tensor(), reference),
            denoised=denoised,
            affine=np.asarray(image.affine, dtype=np.float64),
            meta=dict(image.meta),
            sigma=sigma,
            sigma_percent=None if sigma is None or maximum <= 0 else 100 * sigma / maximum,
            noise_varies=code.dim() > 2,
            noise_correlated=is_correlated,
            maps={name: _scanner_units(made[name].as_tensor(), reference) for name in maps},
        )

    def load(self, path: str | Path) -> Any:
        """The preprocessed scan at ``path``, a MetaTensor ``(1, X, Y, Z)`` in multiples of its reference intensity.

        Raises:
            InputError: as :meth:`denoise`; whatever the first transform raises, which reads, is the file's fault.
        """
        path = Path(path)
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; check the path")
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=".*more than one DICOM series")
                warnings.filterwarnings("error", message="Casting complex values")
                item = self.preprocessing({"image": str(path)}, end=1)
        except Exception as error:
            raise InputError(f"{path}: {_why_unreadable(error)}") from error
        return self._preprocess(item)

    def wrap(self, volume: np.ndarray) -> Any:
        """What :meth:`load` returns, of an array ``(X, Y, Z)`` of magnitudes in any units, voxels of 1 mm.

        Raises:
            InputError: if it is no volume of magnitudes.
        """
        return self._preprocess({"image": MetaTensor(torch.as_tensor(volume, dtype=torch.float32))})

    def _preprocess(self, item: dict[str, Any]) -> Any:
        """All but the first transform, which reads."""
        try:
            return self.preprocessing(item, start=1)["image"]
        except RuntimeError as error:
            raise find_input_error(error) or error from None


def inference_configs(bundle: str | Path | None = None) -> list[Path]:
    """``inference.json``, and what is laid over it, as a list of configs is in MONAI's command.

    Args:
        bundle: folder of a bundle or an inference config; the bundle that comes with the package if None.

    Raises:
        InputError: if there is none.
    """
    bundle = bundle_folder() if bundle is None else Path(bundle)
    config = bundle if bundle.suffix == ".json" else bundle / "configs" / "inference.json"
    if not config.is_file():
        raise InputError(f"{config}: no such file; give the folder of a bundle with configs/inference.json")
    config = config.resolve()
    base = config.with_name("inference.json")
    return [base, config] if base.is_file() and base != config else [config]


def _check_settings(inferer: Any, settings: Mapping[str, Any]) -> None:
    """Pass nothing over in silence: the inferer of slabs, for one, can do none of these."""
    for name, attribute in INFERER_SETTINGS.items():
        if settings.get(name) and not hasattr(inferer, attribute):
            raise InputError(f"{name}: the {type(inferer).__name__} of this config cannot do that; leave it out")


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {name!r}: not on this machine ({reason}); leave it out or use cpu") from None
    return device


def _scanner_units(image: torch.Tensor, reference: float) -> np.ndarray:
    """``(1, X, Y, Z)`` in multiples of the reference to ``(X, Y, Z)`` in scanner units."""
    return (image * reference)[0].cpu().numpy()


def _why_unreadable(error: BaseException) -> str:
    """One clause for what the readers raise, and what to do about it."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = str(error)
    if "more than one DICOM series" in text:
        return "more than one DICOM series in this folder; give each a folder of its own"
    if "Casting complex" in text:
        return "complex voxels, but a volume of magnitudes is needed; save the magnitude"
    if "('R'" in text or "itk.Vector" in text or "itk.RGB" in text:
        return "colour voxels (RGB), but a volume of magnitudes is needed; give the original scan"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("/")]
    reason = re.sub(r"^ITK ERROR: (\w+\(\w+\): )?", "", lines[0] if lines else type(error).__name__)
    return (
        f"cannot be read as a volume ({reason.rstrip('.')}); it is damaged, incomplete or of another kind than "
        "its name says: copy or export it again"
    )
