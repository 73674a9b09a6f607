"""Fine-tuning on noisy scans alone, without any clean image."""

from collections.abc import Mapping

import torch
from torch import Tensor

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.losses.objective import Images, Networks, Objective, Terms, check_weights, denoiser_of


class SelfSupervisedObjective(Objective):
    """Recorrupted-to-recorrupted, carried over from Gaussian noise to magnitude images, exactly.

    From a noisy voxel ``m = |A + sigma n|`` and new complex noise ``z``, two voxels are made:

        m1 = | m + alpha sigma z |,      m2 = | m - sigma z / alpha |

    Circular noise is invariant to the phase that the magnitude lost. ``(m1, m2)`` are therefore distributed as the
    magnitudes of ``y + alpha sigma z`` and ``y - sigma z / alpha``, with ``y`` the complex voxel: their noises are
    Gaussian and uncorrelated, hence independent. As ``E[m2^2] = A^2 + 2 sigma^2 (1 + 1 / alpha^2)``, regressing the
    squared output of a denoiser for ``m1`` onto ``m2^2`` less that floor yields ``E[A^2 | m1]``, as clean images would.
    Sigma is the noise encoder's estimate; it is not trained here.

    Pang T, Zheng H, Quan Y, Ji H (2021). Recorrupted-to-recorrupted: unsupervised deep learning for image denoising.
    CVPR, 2043-2052, equations (7) to (9), for Gaussian noise.

    Args:
        weights: one number, for ``recorruption``.
        alpha: share of the new noise in ``m1``; small: ``m1`` is hardly noisier than the scan, ``m2`` much noisier.
    """

    TERMS = ("recorruption",)

    def __init__(self, weights: Mapping[str, float], *, alpha: float = 0.5) -> None:
        if alpha <= 0:
            raise ValueError(f"alpha must be positive, got {alpha}")
        self.weights = check_weights(weights, self.TERMS)
        self.alpha = alpha

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The squared error of squares, each in units of its own standard deviation."""
        denoiser = denoiser_of(networks)
        noisy = batch["noisy"]
        with torch.no_grad():
            code = denoiser.noise_map(denoiser.noise_cells(noisy))
            sigma = denoiser.sigma(upsample_to(code, noisy)).unsqueeze(1)
            given, target, spread = self.recorrupt(noisy, sigma)
            noisier = denoiser.scale_sigma(code, torch.full_like(code[:, 0], (1 + self.alpha**2) ** 0.5))
        pred = denoiser(given, noisier).float()
        # var(m2^2) = 4 A^2 s^2 + 4 s^4 with s = spread; A is predicted from m1 alone
        variance = 4 * pred.detach().square() * spread.square() + 4 * spread.pow(4)
        measured = noisy > 0  # not where a mask set it to zero
        error = (pred.square() - target).square() / variance
        term = (error * measured).sum() / measured.sum().clamp(min=1)
        return {"recorruption": term}, {"pred": pred.detach()}

    def recorrupt(self, noisy: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``m1``, the unbiased estimate of ``A^2`` from ``m2``, and the noise level of ``m2``; shapes as ``noisy``."""
        z = torch.complex(torch.randn_like(noisy), torch.randn_like(noisy)) * sigma
        spread = sigma * (1 + 1 / self.alpha**2) ** 0.5
        target = (noisy - z / self.alpha).abs().square() - 2 * spread.square()
        return (noisy + self.alpha * z).abs(), target, spread
