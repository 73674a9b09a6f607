"""Training on true pairs: the supervised counterpart of the unpaired methods, an upper bound."""

from collections.abc import Mapping

import torch
from torch.nn.functional import mse_loss

from monai_unsup_denoise.losses.objective import Images, Networks, Objective, Terms, check_weights, denoiser_of
from monai_unsup_denoise.losses.relative_error import relative_root_mean_square


class PairedObjective(Objective):
    """``G_H(E^c(l), E^n(l))``, equation (12), regressed onto the clean image of the same anatomy.

    The batch holds ``noisy`` and ``clean`` of one anatomy, and the true ``sigma``, which the denoiser gets.

    Args:
        weights: one number for each of ``TERMS``.
    """

    TERMS = ("reconstruction", "noise_level")

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = check_weights(weights, self.TERMS)

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The relative error of the image, and the squared error of log sigma."""
        denoiser = denoiser_of(networks)
        noisy, clean = batch["noisy"], batch["clean"]
        truth = batch["sigma"].reshape(-1).clamp(min=1e-4)
        code, _ = denoiser.noise_encoder(noisy)
        with torch.no_grad():
            true_code = denoiser.scale_sigma(code, truth / denoiser.sigma(code))
        pred = denoiser(noisy, true_code)
        sigma = truth.view(-1, *(1,) * (clean.dim() - 1))
        terms = {
            "reconstruction": relative_root_mean_square(pred, clean, sigma),
            "noise_level": mse_loss(denoiser.sigma(code).log(), truth.log()),
        }
        return terms, {"pred": pred.detach()}
