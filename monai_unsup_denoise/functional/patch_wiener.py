"""Estimates of similar patches from their noisy versions and those of a pilot."""

import torch
from torch import Tensor

from monai_unsup_denoise.functional.patch_noise import PatchNoise, cosine_transform
from monai_unsup_denoise.functional.rician import rician_variance

_EXCESS = 0.3  # share of the noise variance by which a residual may exceed it
_DEVIATIONS = 4.0  # standard errors up to which a difference of means counts as noise


def patch_wiener(noisy: Tensor, pilot: Tensor, *, noise: PatchNoise) -> Tensor:
    """Estimates of patches ``(groups, similar, voxels)``, in units of sigma.

    A residual ``z - x`` of more variance than the noise shows that the pilot lacks signal. The excess ``e`` is the
    variance of what is missing, of which ``e / (e + v)`` of the residual is the best linear estimate.

    With the deviations ``D`` of the ``n`` pilot patches from their mean, ``C = D^T D / (n - 1)``, so that
    ``C (C + v R)^-1 = D^T (D R^-1 D^T + (n - 1) v)^-1 D R^-1``, which has the smaller matrix to factor. A
    hundred-thousandth of the signal regularises it for data that are noise-free in float32; more for more patches than
    voxels, whose matrix is singular.
    """
    similar = pilot.shape[1]
    variance = rician_variance(pilot.mean((1, 2), keepdim=True), 1.0, coils=noise.coils)
    pilot_mean, mean = pilot.mean(1, keepdim=True), noisy.mean(1, keepdim=True)
    deviation = pilot - pilot_mean
    weighted = noise.weigh(deviation)
    gram = weighted @ deviation.mT
    diagonal = gram.diagonal(dim1=1, dim2=2)
    least = 1e-5 if similar <= pilot.shape[2] else 1e-4
    diagonal += (similar - 1) * variance[:, 0] + least * diagonal.mean(1, keepdim=True)
    solved = torch.cholesky_solve(deviation, torch.linalg.cholesky(gram))
    estimate = (noisy - mean) @ weighted.mT @ solved
    estimate += _corrected_mean(mean, pilot_mean, variance / similar * noise.cosine_variance, noise.sides)
    residual = (noisy - estimate).square().mean((1, 2), keepdim=True)
    excess = (residual - (1 + _EXCESS * noise.energy_deviation) * variance).clamp(min=0)
    return torch.lerp(estimate, noisy, excess / (excess + variance))


def _corrected_mean(mean: Tensor, pilot: Tensor, variance: Tensor, sides: tuple[int, ...]) -> Tensor:
    """The pilot's mean patch plus the significant part of its difference ``d`` to the noisy mean patch.

    Non-negative garrote ``d (1 - 16 variance / d^2)+`` on the cosine transform of the patch, whose coefficients have
    the ``variance``. Where the pilot is right, as in flat tissue, the noise of the means is suppressed. For independent
    patches 16 would be four standard errors; those of a group overlap, so that at low frequencies it is fewer.
    """
    cosines = torch.from_numpy(cosine_transform(sides)).to(pilot)
    difference = (mean - pilot) @ cosines
    noise = _DEVIATIONS**2 * variance / difference.square().clamp(min=1e-12)
    return pilot + ((1 - noise).clamp(min=0) * difference) @ cosines.mT
