"""The physics-guided method: unpaired, blind, with a Rician generator of noisy images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.functional import mse_loss

from monai_unsup_denoise.functional import rician_log_density, smooth_map, upsample_to, zero_background
from monai_unsup_denoise.losses.adversarial import AdversarialLoss, discriminator_terms, generator_loss
from monai_unsup_denoise.losses.kl_divergence import kl_divergence, sample_code
from monai_unsup_denoise.losses.objective import Images, Networks, Terms, check_weights
from monai_unsup_denoise.losses.relative_error import ImageError, relative_root_mean_square


class PhysicsObjective:
    """As the published method, but ``G_L`` adds Rician noise of the level that the code says.

    Then the cycle ``h -> fakel -> fakehh`` is supervised denoising on realistic pairs, made from clean images of other
    anatomies, with noise levels learned from the noisy ones. Two gradients are stopped on purpose: the cycle's at
    ``fakel`` (it would make the noise weaker instead of the denoiser better), and the likelihood's at ``fakeh`` (it
    would make the denoiser the identity, sigma zero).

    The denoiser is shown ``fakel`` with the code that it was made with, nearly: read from a patch alone the code would
    be off by some percent, and at low signal that blurs the line between air and tissue; read from a whole volume, as
    in inference, it is not.

    The terms that need the noisy image denoised, likelihood and adversarial, are there in one step of
    ``lazy_interval`` only, that many times as heavy (lazy regularisation: Karras et al., CVPR 2020, section 3.1). With
    both adversarial weights zero there is no use for the discriminators, and they are left alone.

    Networks: ``denoiser`` (``DisentangledDenoiser``), ``generator_low``, ``discriminator_high``, ``discriminator_low``.

    Args:
        weights: one number for each of ``TERMS``.
        adversarial: adversarial loss, called as MONAI's ``PatchAdversarialLoss``.
        prior_fraction: share of the clean images whose code is drawn from the prior N(0, 1) instead of being that of a
            noisy image, so that levels between and beyond those of the noisy images are seen too.
        masked_fraction: share of the noisy images made of clean ones whose air is set to zero, as scanners and defacing
            do, so that the noise is also learned to be read where there is no air to read it from.
        variation: largest ratio of the highest to the lowest noise level within an image; 1 is stationary noise.
        code_noise: standard deviation of the error of ``log sigma`` that the denoiser learns to bear.
        lazy_interval: steps from one with all terms to the next.
        error: of the cycle, one of ``losses.relative_error``.
    """

    TERMS = (
        "cycle",
        "code",
        "likelihood",
        "kl",
        "adversarial_high",
        "adversarial_low",
        "discriminator_high",
        "discriminator_low",
    )

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        adversarial: AdversarialLoss,
        prior_fraction: float = 0.5,
        masked_fraction: float = 0.3,
        variation: float = 1.0,
        code_noise: float = 0.0,
        lazy_interval: int = 1,
        error: ImageError = relative_root_mean_square,
    ) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.adversarial = adversarial
        self.prior_fraction = prior_fraction
        self.masked_fraction = masked_fraction
        self.variation = variation
        self.code_noise = code_noise
        self.lazy_interval = lazy_interval
        self.error = error
        self.steps = 0

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Terms of encoders and generators; every line names its equation."""
        low, high = batch["noisy"], batch["clean"]
        denoiser: Any = networks["denoiser"]
        to_low = networks["generator_low"]

        mean, log_variance = denoiser.noise_encoder(low)
        code = self._vary(self._mix_with_prior(sample_code(mean, log_variance)), high, denoiser.noise_level)
        fake_low = to_low([high], code)  # (6); the content of a clean image carries the image itself

        given = self._mask_some(fake_low.detach(), high)
        code_again = denoiser.encode_noise_map(given)
        fake_high_again = denoiser(given, self._perturb_code(code.detach(), denoiser.noise_level))  # (8)

        sigma = denoiser.noise_level(upsample_to(code, high)).unsqueeze(1).detach()
        terms = {
            "cycle": self.error(fake_high_again, high, sigma),  # (7), its first half
            "code": self._code_error(denoiser, given, code_again, code.detach()),
            "kl": kl_divergence(mean, log_variance),  # (2)
        }
        images = {"pred": fake_high_again.detach(), "fake_low": fake_low.detach()}
        if self._is_lazy_turn():
            fake_high = denoiser(low, mean.detach())  # (4)
            images["fake_high"] = fake_high.detach()
            terms |= self._lazy_terms(networks, low, mean, fake_high, fake_low)
        return terms, images

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """The discriminators' side of equations (3) and (5), in the steps that have the generators' side."""
        if "fake_high" not in images or not self._is_adversarial:
            return {}
        return discriminator_terms(self.adversarial, networks, batch, images["fake_high"], images["fake_low"])

    def state_dict(self) -> dict[str, int]:
        """Where in the lazy interval the training is, for the checkpoint."""
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where a checkpoint was."""
        self.steps = state["steps"]

    def _lazy_terms(
        self, networks: Networks, low: torch.Tensor, mean: torch.Tensor, fake_high: torch.Tensor, fake_low: torch.Tensor
    ) -> Terms:
        denoiser: Any = networks["denoiser"]
        sigma = denoiser.noise_level(mean)
        # in place of the cycle's second half
        terms = {"likelihood": -mean_log_likelihood(low, fake_high.detach(), sigma)}
        if self._is_adversarial:
            terms["adversarial_high"] = generator_loss(
                self.adversarial, networks["discriminator_high"], fake_high
            )  # (3)
            terms["adversarial_low"] = generator_loss(self.adversarial, networks["discriminator_low"], fake_low)  # (5)
        return {name: self.lazy_interval * term for name, term in terms.items()}

    @property
    def _is_adversarial(self) -> bool:
        return self.weights["adversarial_high"] > 0 or self.weights["adversarial_low"] > 0

    def _is_lazy_turn(self) -> bool:
        self.steps += 1
        return self.steps % self.lazy_interval == 0

    def _code_error(
        self, denoiser: Any, given: torch.Tensor, code_again: torch.Tensor, code: torch.Tensor
    ) -> torch.Tensor:
        """Of the code of the whole image, and of its map."""
        of_image, _ = denoiser.noise_encoder(given)
        mean = code if code.dim() == 2 else code.flatten(2).mean(-1)
        return mse_loss(of_image, mean) + mse_loss(code_again, upsample_to(code, code_again).expand_as(code_again))

    def _mix_with_prior(self, code: torch.Tensor) -> torch.Tensor:
        from_prior = torch.rand(len(code), 1, device=code.device) < self.prior_fraction
        return torch.where(from_prior, torch.randn_like(code), code)

    def _vary(self, code: torch.Tensor, image: torch.Tensor, noise_level: Any) -> torch.Tensor:
        """The code, or a map of it whose noise level rises or falls over each image by at most ``variation``."""
        if self.variation <= 1:
            return code
        grid = [2] * (image.dim() - 2)
        gain = torch.stack([smooth_map(grid, self.variation, nodes=2, device=image.device) for _ in image])
        return noise_level.scale_sigma(upsample_to(code, image).expand(-1, -1, *grid), gain)

    def _perturb_code(self, code: torch.Tensor, noise_level: Any) -> torch.Tensor:
        error = self.code_noise * torch.randn(len(code), *(1,) * (code.dim() - 2), device=code.device)
        return noise_level.scale_sigma(code, error.exp())

    def _mask_some(self, noisy: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        chosen = torch.rand(len(noisy), *(1,) * (noisy.dim() - 1), device=noisy.device) < self.masked_fraction
        return torch.where(chosen, zero_background(noisy, clean), noisy)


def mean_log_likelihood(noisy: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean over voxels of the Rician ``log p(noisy | clean, sigma)``; images ``(B, C, *spatial)``, sigma ``(B,)``.

    Voxels that are exactly zero are left out: noise never makes them, a mask does.
    """
    measured = noisy > 0
    level = sigma.reshape(-1, *(1,) * (noisy.dim() - 1))
    density = rician_log_density(noisy.clamp(min=1e-6), clean.float().clamp(min=0), level)
    return (density * measured).sum() / measured.sum().clamp(min=1)
