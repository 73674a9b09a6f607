"""The one denoiser that every entry point calls: a scan in, the denoised scan out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from torch import Tensor, nn

from monai_unsup_denoise.errors import InputError, find_input_error
from monai_unsup_denoise.functional import flat_regions, rician_mean
from monai_unsup_denoise.inference.bundle import find_device, read_inference_config
from monai_unsup_denoise.inference.calibration import Calibration
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume, stack_volumes
from monai_unsup_denoise.inference.maps import TWO_SIDED_95, half_width_maps, uncertainty_map, with_noise
from monai_unsup_denoise.inference.memory import check_memory
from monai_unsup_denoise.inference.noise import NoiseEstimate, sigma_map
from monai_unsup_denoise.inference.precision import channels_last
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.inference.volumes import denoise_volumes
from monai_unsup_denoise.inference.weights import load_weights
from monai_unsup_denoise.inference.whole_volume import WholeVolumeInferer
from monai_unsup_denoise.io.reader import read_scan
from monai_unsup_denoise.io.volumes import open_volumes, read_volume
from monai_unsup_denoise.literal import literal
from monai_unsup_denoise.protocols import NoiseAwareNetwork

_MOST = 100.0  # sigma in multiples of the reference intensity, which of noise alone is above sigma


class Denoiser:
    """Denoises scans with a trained network, as a bundle's ``inference.json`` wires it.

    Args:
        network: a denoiser of the bundle.
        model_path: its weights; None if it has them already.
        inferer: applies the network to a volume.
        preprocessing: from ``{"image": path}`` to a ``(1, X, Y, Z)`` MetaTensor in multiples of its reference
            intensity, which it leaves in ``meta["reference"]``; its first transform reads.
        settings: of denoising, where a call gives none.
        device: where to compute.
        calibration: of these weights. Without an error head, the bootstrap makes the map of the uncertainty; without
            known scans, `DenoisedVolume.distance` is unknown.
        uncertainty_factor: ratio of the true error of these weights to what the bootstrap sees of it, measured on
            scans whose truth is known (``experiments/model_checks.py``).

    Raises:
        InputError: for weights that are missing or do not fit.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        model_path: str | Path | None,
        inferer: WholeVolumeInferer,
        preprocessing: Compose,
        settings: DenoiseSettings | None = None,
        device: torch.device | str = "cpu",
        calibration: Calibration | None = None,
        uncertainty_factor: float = 1.0,
    ) -> None:
        self.device = torch.device(device)
        self.model_path = None if model_path is None else Path(model_path)
        self.network: Any = channels_last(load_weights(network, self.model_path).to(self.device)).eval()
        self.settings = settings or DenoiseSettings()
        self.inferer = inferer.with_settings(self.settings)
        self.preprocessing = preprocessing
        calibration = calibration or Calibration()
        self.error_head = calibration.error_head and calibration.error_head.to(self.device).eval()
        self.known_scans = calibration.known_scans
        self.uncertainty_factor = uncertainty_factor

    @classmethod
    def from_bundle(
        cls,
        bundle: str | Path | None = None,
        *,
        model: str | Path | None = None,
        device: str | None = None,
        network: nn.Module | None = None,
        settings: Mapping[str, Any] | None = None,
        progress: bool = False,
    ) -> Denoiser:
        """The ``denoiser`` of a bundle's inference config.

        Args:
            bundle: folder of a bundle, or an inference config, laid over the ``inference.json`` beside it if there is
                one; by default the bundle of the package.
            model: file of weights in place of the config's.
            device: such as ``cuda:0``, in place of the config's.
            network: in place of the config's network and its weights, such as a TorchScript file.
            settings: values of the config by id, such as those of `DenoiseSettings`; None leaves the config's.
            progress: show a progress bar for each volume.

        Raises:
            InputError: for a bundle or weights that are missing or do not fit, or a device that is not there.
        """
        parser = read_inference_config(bundle)
        if network is not None:
            parser["network_def"] = network
        if network is not None or model is not None:
            parser["model_path"] = None if model is None else literal(model)
        if device is not None:
            parser["device"] = find_device(device)
        for name, value in (settings or {}).items():
            if value is None:
                continue
            if name not in parser:
                raise InputError(f"{name}: no such id in the inference config of this bundle")
            parser[name] = value
        try:
            denoiser = parser.get_parsed_content("denoiser")
        except RuntimeError as error:
            raise find_input_error(error) or error from None
        denoiser.inferer.progress = progress
        return denoiser

    def denoise(self, path: str | Path, *, volume: int | None = None) -> DenoisedVolume:
        """Denoise the file, or the folder of one DICOM series, at ``path``; nothing is written.

        Of a NIfTI file with several volumes, denoise all, with one noise estimate: arrays ``(X, Y, Z, T)``. Or only
        ``volume``, counted from 0, as if it were alone. `denoise_volumes` gives one after the other, in less memory.
        """
        volumes = open_volumes(path) if volume is None else None
        if volumes is None:
            return self.denoise_image(self.load(path, volume=volume))
        return stack_volumes(list(denoise_volumes(self, volumes, progress=self.inferer.progress)))

    @torch.no_grad()
    def estimate_noise(self, image: MetaTensor, settings: DenoiseSettings | None = None) -> NoiseEstimate:
        """The noise of what :meth:`load` or :meth:`wrap` returned, in multiples of its reference intensity.

        Raises:
            InputError: if it is not finite.
        """
        inputs = image.as_tensor()[None].to(self.device)
        noise = self.inferer.with_settings(settings or self.settings).estimate_noise(inputs, self.network)
        sigma = noise.sigma or 0.0
        _check_finite(image, {"sigma": np.asarray([sigma if sigma < _MOST else np.inf, noise.error])})
        return noise

    @torch.no_grad()
    def denoise_image(
        self, image: MetaTensor, settings: DenoiseSettings | None = None, *, noise: NoiseEstimate | None = None
    ) -> DenoisedVolume:
        """Denoise what :meth:`load` or :meth:`wrap` returned; without ``noise`` of :meth:`estimate_noise`, estimate it.

        Raises:
            InputError: for a map that the model cannot make, a setting that its inferer does not have, or a result that
                is not finite.
        """
        settings = settings or self.settings
        inferer = self.inferer.with_settings(settings)
        needing_sigma = [name for name in settings.maps if name != "residual"]
        if needing_sigma and not isinstance(self.network, NoiseAwareNetwork):
            raise InputError(f"maps: {needing_sigma[0]!r}: this model does not estimate the noise level")
        inputs = image.as_tensor()[None].to(self.device)
        noise = noise or self.estimate_noise(image, settings)
        amplitude = inferer(inputs, self.network, noise=noise)
        level = partial(sigma_map, inputs, noise, self.network)
        pred = amplitude
        if settings.keep_floor:  # a masked background never had one
            pred = torch.where(flat_regions(inputs), amplitude, rician_mean(amplitude, level()))
        if settings.strength < 1:
            pred = inputs.lerp(pred, settings.strength)
        again = partial(inferer, network=self.network, noise=noise)

        @cache
        def half_widths() -> Tensor:
            """Of 68 and 95 %."""
            if self.error_head is not None:
                widths = half_width_maps(self.error_head, inputs, amplitude, level(), noise)
            else:
                deviation = self.uncertainty_factor * uncertainty_map(amplitude, level(), again)
                widths = torch.cat([deviation, TWO_SIDED_95 * deviation], dim=1)
            return widths if settings.strength == 1 else with_noise(widths, level(), settings.strength)

        make: dict[str, Callable[[], Tensor]] = {
            "residual": lambda: inputs - pred,
            "sigma": level,
            "uncertainty": lambda: half_widths()[:, :1],
            "uncertainty_95": lambda: half_widths()[:, 1:],
        }
        reference = float(image.meta["reference"])
        slices = image.meta.get("slice_axis", 2)  # in the file; CheckVolume has made it the last

        def scanner_units(volume: Tensor) -> np.ndarray:
            return (volume * reference)[0, 0].movedim(-1, slices).cpu().numpy()

        volumes = {"denoised": scanner_units(pred), **{name: scanner_units(make[name]()) for name in settings.maps}}
        _check_finite(image, volumes)
        known = self.known_scans
        return DenoisedVolume(
            noisy=scanner_units(inputs),
            denoised=volumes.pop("denoised"),
            affine=np.asarray(image.affine, dtype=np.float64)[:, [*np.insert([0, 1], slices, 2), 3]],
            **noise.in_the_file(image.meta),
            strength=settings.strength,
            clipped_voxels=image.meta.get("clipped_voxels", 0),
            distance=None if known is None else known.distance(amplitude[0, 0].float().cpu().numpy()),
            maps=volumes,
        )

    def load(self, path: str | Path, *, volume: int | None = None) -> MetaTensor:
        """The preprocessed scan at ``path``, ``(1, X, Y, Z)`` in multiples of its reference intensity, slices last.

        ``volume`` chooses one of a NIfTI file with several, counted from 0.

        Raises:
            InputError: if it is missing, cannot be read, or is no volume of magnitudes.
        """
        image = None if volume is None else read_volume(path, volume)
        if image is not None:
            return self.preprocess(image)
        image = self.preprocess(read_scan(path, self.preprocessing)["image"])
        if volume:
            raise InputError(f"{path}: no volume {volume}, there is but one; leave the number out")
        return image

    def wrap(self, volume: np.ndarray | Tensor) -> MetaTensor:
        """As :meth:`load`, of an array ``(X, Y, Z)`` of magnitudes in any units, with voxels of 1 mm."""
        return self.preprocess(MetaTensor(torch.as_tensor(volume, dtype=torch.float32)))

    def preprocess(self, image: MetaTensor) -> MetaTensor:
        """As :meth:`load`, of a volume ``(X, Y, Z)`` as the first transform, which reads, returns it.

        Raises:
            InputError: if it is no volume of magnitudes, or there is not the memory to denoise it.
        """
        if self.device.type == "cpu":
            scan = image.meta.get("filename_or_obj") or "the volume"
            check_memory(self.inferer.bytes_needed(image.shape), f"{scan} ({' x '.join(map(str, image.shape))} voxels)")
        try:
            return self.preprocessing({"image": image}, start=1)["image"]
        except RuntimeError as error:
            raise find_input_error(error) or error from None


def _check_finite(image: MetaTensor, results: Mapping[str, np.ndarray]) -> None:
    for name, values in results.items():
        if not np.isfinite(values).all():
            scan = image.meta.get("filename_or_obj") or "the volume"
            raise InputError(f"{scan}: {name}: not finite; the weights are damaged, or a voxel is far too bright")
