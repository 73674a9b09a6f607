"""Training on true pairs: the upper bound that unpaired methods are measured against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.functional import mse_loss

from monai_unsup_denoise.losses.objective import Images, Networks, Terms, check_weights
from monai_unsup_denoise.losses.relative_error import ImageError, relative_root_mean_square


class PairedObjective:
    """``G_H(E^c(l), E^n(l))``, equation (12), regressed onto the clean image of the same anatomy.

    The batch holds ``noisy`` and ``clean`` of the same anatomy, and ``sigma``, the noise level that was used, which
    denoiser and noise encoder are told.

    Args:
        weights: one number for each of ``reconstruction, noise_level``.
        error: distance between the denoised and the clean image, one of ``losses.relative_error``.
    """

    TERMS = ("reconstruction", "noise_level")

    def __init__(self, weights: Mapping[str, float], *, error: ImageError = relative_root_mean_square) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.error = error

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The distance to the clean image, and the squared error of log sigma."""
        denoiser: Any = networks["denoiser"]
        noisy, clean = batch["noisy"], batch["clean"]
        truth = batch["sigma"].reshape(-1).clamp(min=1e-4)
        code, _ = denoiser.noise_encoder(noisy)
        with torch.no_grad():
            told = denoiser.noise_level.scale_sigma(code, truth / denoiser.noise_level(code))
        pred = denoiser(noisy, told)
        sigma = truth.view(-1, *(1,) * (clean.dim() - 1))
        terms = {
            "reconstruction": self.error(pred, clean, sigma),
            "noise_level": mse_loss(denoiser.noise_level(code).log(), truth.log()),
        }
        return terms, {"pred": pred.detach()}

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """Nothing: there are no discriminators."""
        return {}
