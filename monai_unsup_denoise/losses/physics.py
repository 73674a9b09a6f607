"""The physics-guided method: unpaired, blind, with a Rician generator of noisy images."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn.functional import l1_loss, mse_loss

from monai_unsup_denoise.functional import mask_air, rician_log_density
from monai_unsup_denoise.losses.adversarial import AdversarialLoss, discriminator_terms, fooled
from monai_unsup_denoise.losses.kl_divergence import kl_divergence, sample_code
from monai_unsup_denoise.losses.objective import Images, Networks, Terms, check_weights


class PhysicsObjective:
    """As the published method, but ``G_L`` adds Rician noise of the level that the code says.

    Then the cycle ``h -> fakel -> fakehh`` is supervised denoising on realistic pairs, made from clean images of other
    anatomies, with noise levels learned from the noisy ones. Two gradients are stopped on purpose: the cycle's at
    ``fakel`` (it would make the noise weaker instead of the denoiser better), and the likelihood's at ``fakeh`` (it
    would make the denoiser the identity, sigma zero).

    Args:
        weights: one number for each of ``TERMS``.
        adversarial: adversarial loss, called as MONAI's ``PatchAdversarialLoss``.
        prior_fraction: share of the clean images whose code is drawn from the prior N(0, 1) instead of being that of a
            noisy image, so that levels between and beyond those of the noisy images are seen too.
        masked_fraction: share of the noisy images made of clean ones whose air is set to zero, as scanners and defacing
            do, so that the noise is also learned to be read where there is no air to read it from.
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
    ) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.adversarial = adversarial
        self.prior_fraction = prior_fraction
        self.masked_fraction = masked_fraction

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Terms of encoders and generators; every line names its equation."""
        low, high = batch["noisy"], batch["clean"]
        encode_content, encode_noise = networks["content_encoder"], networks["noise_encoder"]
        to_high, to_low = networks["generator_high"], networks["generator_low"]

        mean, log_variance = encode_noise(low)
        fake_high = to_high(encode_content(low), mean.detach())  # (4), with the mean of the code as in (12)
        code = self._mix_with_prior(sample_code(mean, log_variance))
        fake_low = to_low(encode_content(high), code)  # (6)

        given = self._mask_some(fake_low.detach(), high)
        code_again, _ = encode_noise(given)
        fake_high_again = to_high(encode_content(given), code_again.detach())  # (8)

        sigma = networks["noise_level"](mean)
        terms = {
            "cycle": l1_loss(fake_high_again.float(), high),  # (7), its first half
            "likelihood": -mean_log_likelihood(low, fake_high.detach(), sigma),  # in place of its second half
            "code": mse_loss(code_again, code.detach()),
            "kl": kl_divergence(mean, log_variance),  # (2)
            "adversarial_high": fooled(self.adversarial, networks["discriminator_high"], fake_high),  # (3)
            "adversarial_low": fooled(self.adversarial, networks["discriminator_low"], fake_low),  # (5)
        }
        return terms, {"pred": fake_high.detach(), "fake_low": fake_low.detach()}

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """The discriminators' side of equations (3) and (5)."""
        return discriminator_terms(self.adversarial, networks, batch, images)

    def _mix_with_prior(self, code: torch.Tensor) -> torch.Tensor:
        from_prior = torch.rand(len(code), 1, device=code.device) < self.prior_fraction
        return torch.where(from_prior, torch.randn_like(code), code)

    def _mask_some(self, noisy: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        chosen = torch.rand(len(noisy), *(1,) * (noisy.dim() - 1), device=noisy.device) < self.masked_fraction
        return torch.where(chosen, mask_air(noisy, clean), noisy)


def mean_log_likelihood(noisy: torch.Tensor, clean: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Mean over voxels of the Rician ``log p(noisy | clean, sigma)``; images ``(B, C, *spatial)``, sigma ``(B,)``.

    Voxels that are exactly zero are left out: noise never makes them, a mask does.
    """
    measured = noisy > 0
    level = sigma.reshape(-1, *(1,) * (noisy.dim() - 1))
    density = rician_log_density(noisy.clamp(min=1e-6), clean.float().clamp(min=0), level)
    return (density * measured).sum() / measured.sum().clamp(min=1)
