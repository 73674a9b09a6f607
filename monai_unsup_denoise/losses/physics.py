"""The physics-guided method: unpaired, blind to the noise level, with a Rician generator of noisy images."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from monai_unsup_denoise.functional import rician_log_density, smooth_map, upsample_to, zero_background
from monai_unsup_denoise.losses.adversarial import AdversarialLoss, discriminator_terms, generator_loss
from monai_unsup_denoise.losses.kl_divergence import kl_divergence, sample_code
from monai_unsup_denoise.losses.noise_codes import draw_codes, mean_code
from monai_unsup_denoise.losses.objective import (
    ADVERSARIAL_TERMS,
    Images,
    Networks,
    Terms,
    check_weights,
    denoiser_of,
    noise_generator_of,
)
from monai_unsup_denoise.losses.relative_error import ImageError, relative_root_mean_square
from monai_unsup_denoise.protocols import TrainableNetwork


class PhysicsObjective:
    """The published method, except that ``G_L`` adds Rician noise of the level that the code stands for.

    The cycle ``h -> fakel -> fakehh`` is then supervised denoising on realistic pairs, made from clean images of other
    anatomies, with noise levels learned from the noisy images. Two gradients are stopped: the cycle's at ``fakel``,
    which would lower the noise instead of the error, and the likelihood's at ``fakeh``, which would make the denoiser
    the identity and sigma zero.

    The denoiser gets ``fakel`` with nearly the code it was made with. The code of a patch is off by some percent, which
    at low signal blurs the border of tissue and background. Inference takes the code from the whole volume.

    Likelihood and adversarial terms are evaluated every ``lazy_interval`` steps and scaled by it (lazy regularisation:
    Karras et al., CVPR 2020, section 3.1).

    Networks: ``denoiser`` (`TrainableNetwork`), ``generator_low``; ``discriminator_high`` and ``discriminator_low``
    with an adversarial loss.

    Args:
        weights: one number for each of ``TERMS``; with an adversarial loss, of ``losses.ADVERSARIAL_TERMS`` too.
        adversarial: adversarial loss, called as MONAI's ``PatchAdversarialLoss``; None for none.
        prior_fraction: share of the clean images with a code drawn from the prior, so that levels between and beyond
            those of the noisy images occur.
        levels: lowest and highest sigma, in units of the reference intensity, between which the prior is log-uniform;
            None for codes from N(0, 1).
        masked_fraction: share of the ``fakel`` with the background set to zero, as scanners and defacing do.
        variation: largest ratio of the highest to the lowest noise level within an image; 1 is stationary noise.
        code_noise: standard deviation of the error of ``log sigma`` in the code that the denoiser gets; the other
            entries of the code get three times that.
        lazy_interval: steps from one with all terms to the next.
        error: of the cycle, called with ``(pred, clean, sigma)``.
    """

    TERMS = ("cycle", "code", "likelihood", "kl")

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        adversarial: AdversarialLoss | None = None,
        prior_fraction: float = 0.5,
        levels: Sequence[float] | None = None,
        masked_fraction: float = 0.3,
        variation: float = 1.0,
        code_noise: float = 0.0,
        lazy_interval: int = 1,
        error: ImageError = relative_root_mean_square,
    ) -> None:
        self.weights = check_weights(weights, self.TERMS + (ADVERSARIAL_TERMS if adversarial else ()))
        self.adversarial = adversarial
        self.prior_fraction = prior_fraction
        self.levels = levels
        self.masked_fraction = masked_fraction
        self.variation = variation
        self.code_noise = code_noise
        self.lazy_interval = lazy_interval
        self.error = error
        self.steps = 0

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Terms of encoders and generators; every line names its equation."""
        low, high = batch["noisy"], batch["clean"]
        denoiser = denoiser_of(networks)
        to_low = noise_generator_of(networks)

        mean, log_variance = denoiser.noise_encoder(low)
        code = self._mix_with_prior(sample_code(mean, log_variance), denoiser)
        # (6); the content of a clean image carries the image itself
        fake_low, code, sigma = to_low.corrupt(high, self._vary(code, high, denoiser))

        given = self._mask_some(fake_low.detach(), high)
        fake_high_again = denoiser(given, self._perturb_code(code.detach(), denoiser))  # (8)

        terms = {
            "cycle": self.error(fake_high_again, high, sigma.detach()),  # (7), its first half
            "kl": kl_divergence(mean, log_variance),  # (2)
        }
        if self.weights["code"]:
            terms["code"] = self._code_error(denoiser, given, code.detach())
        images = {"pred": fake_high_again.detach(), "fake_low": fake_low.detach()}
        if self._is_lazy_step():
            fake_high = denoiser(low, mean.detach())  # (4)
            images["fake_high"] = fake_high.detach()
            terms |= self._lazy_terms(networks, low, mean, fake_high, fake_low)
        return terms, images

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """The discriminators' terms of equations (3) and (5), in the steps that have the generators' terms."""
        if self.adversarial is None or "fake_high" not in images:
            return {}
        return discriminator_terms(self.adversarial, networks, batch, images["fake_high"], images["fake_low"])

    def state_dict(self) -> dict[str, int]:
        """The step count, which decides when lazy terms are due, for the checkpoint."""
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Take the step count of a checkpoint."""
        self.steps = state["steps"]

    def _lazy_terms(self, networks: Networks, low: Tensor, mean: Tensor, fake_high: Tensor, fake_low: Tensor) -> Terms:
        # in place of the cycle's second half
        terms = {"likelihood": -mean_log_likelihood(low, fake_high.detach(), denoiser_of(networks).sigma(mean))}
        if self.adversarial is not None:
            judge_high, judge_low = networks["discriminator_high"], networks["discriminator_low"]
            terms["adversarial_high"] = generator_loss(self.adversarial, judge_high, fake_high)  # (3)
            terms["adversarial_low"] = generator_loss(self.adversarial, judge_low, fake_low)  # (5)
        return {name: self.lazy_interval * term for name, term in terms.items()}

    def _is_lazy_step(self) -> bool:
        self.steps += 1
        return self.steps % self.lazy_interval == 0

    def _code_error(self, denoiser: TrainableNetwork, given: Tensor, code: Tensor) -> Tensor:
        """Squared error of the code of the whole image, and of its map."""
        cells = denoiser.noise_cells(given)
        code_again = denoiser.noise_map(cells)
        of_image, _ = denoiser.noise_code(cells)
        of_cells = upsample_to(code, code_again).expand_as(code_again)
        return mse_loss(of_image, mean_code(code)) + mse_loss(code_again, of_cells)

    def _mix_with_prior(self, code: Tensor, denoiser: TrainableNetwork) -> Tensor:
        from_prior = torch.rand(len(code), 1, device=code.device) < self.prior_fraction
        prior = torch.randn_like(code) if self.levels is None else draw_codes(denoiser, self.levels, like=code)
        return torch.where(from_prior, prior, code)

    def _vary(self, code: Tensor, image: Tensor, denoiser: TrainableNetwork) -> Tensor:
        """The code; or a map of it, so that the noise level varies over each image by at most ``variation``."""
        if self.variation <= 1:
            return code
        grid = [2] * (image.dim() - 2)
        gain = torch.stack([smooth_map(grid, self.variation, nodes=2, device=image.device) for _ in image])
        return denoiser.scale_sigma(upsample_to(code, image).expand(-1, -1, *grid), gain)

    def _perturb_code(self, code: Tensor, denoiser: TrainableNetwork) -> Tensor:
        error = self.code_noise * torch.randn(code.shape[:2] + (1,) * (code.dim() - 2), device=code.device)
        level, rest = error[:, :1], 3 * error[:, 1:]
        return denoiser.scale_sigma(code, level[:, 0].exp()) + torch.cat([torch.zeros_like(level), rest], dim=1)

    def _mask_some(self, noisy: Tensor, clean: Tensor) -> Tensor:
        chosen = torch.rand(len(noisy), device=noisy.device) < self.masked_fraction
        images = noisy.clone()
        images[chosen] = zero_background(noisy[chosen], clean[chosen])
        return images


def mean_log_likelihood(noisy: Tensor, clean: Tensor, sigma: Tensor) -> Tensor:
    """Mean over voxels of the Rician ``log p(noisy | clean, sigma)``; images ``(B, C, *spatial)``, sigma ``(B,)``.

    Voxels that are exactly zero, which are masked, are left out.
    """
    measured = noisy > 0
    level = sigma.reshape(-1, *(1,) * (noisy.dim() - 1))
    density = rician_log_density(noisy.clamp(min=1e-6), clean.float().clamp(min=0), level)
    return (density * measured).sum() / measured.sum().clamp(min=1)
