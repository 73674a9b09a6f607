"""A trained model of the bundle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.inference.denoiser import Denoiser


class BundleModel:
    """Denoise arrays with one of the bundle's inference configs; blind.

    Args:
        config: name in the bundle's ``configs``, such as ``inference_paper.json``.
        model: file of weights; the config's if None.
        device: such as ``cpu``; the config's if None.
        settings: further values of the config by id, such as ``self_ensemble``.

    Raises:
        InputError: for a config or weights that are missing or do not fit.
    """

    def __init__(
        self,
        config: str = "inference.json",
        *,
        model: str | Path | None = None,
        device: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        path = bundle_folder() / "configs" / config
        self.denoiser = Denoiser.from_bundle(path, model=model, device=device, settings=settings)

    def __call__(
        self, noisy: np.ndarray, sigma: float | None = None
    ) -> tuple[np.ndarray, float | None, tuple[float, float, float] | None]:
        """The denoised array ``(X, Y, Z)``, and what is read of its noise: sigma, and the correlation of neighbours.

        Array and sigma are in units of ``noisy``; the argument ``sigma`` is ignored. None where a model reads no noise.
        """
        volume = self.denoiser.denoise_image(self.denoiser.wrap(noisy))
        return volume.denoised, volume.sigma, None if volume.sigma is None else volume.correlation
