"""The noise level read off what a denoiser took away."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import adaptive_avg_pool3d

from monai_unsup_denoise.functional.rician import rician_mean, rician_variance
from monai_unsup_denoise.functional.smoothing import triangular_smooth

_PRIOR = 0.02  # weight of the mean over the volume, which counts where nothing near does


def residual_noise_map(
    noisy: torch.Tensor, denoised: torch.Tensor, sigma: torch.Tensor, grid: Sequence[int], *, scale: int = 32
) -> torch.Tensor:
    """Smooth map of the noise level ``(B, 1, *grid)``, from the residual of a first denoising.

    Each voxel says ``sigma^2 (m - E[m])^2 / var[m]``, the Rician moments being those of the denoised amplitude; the
    mean of that over about ``scale`` voxels is taken. Unlike an estimate from the noisy image it takes no anatomy for
    noise. What the denoiser got wrong makes it low: were it the posterior mean, by ``(error / sigma)^2 / 2``, since
    ``E[(m - A^)^2] = sigma^2 - E[(A^ - A)^2]`` for Gaussian noise.

    Args:
        noisy, denoised: ``m`` and the estimate of ``A``, ``(B, 1, H, W, D)``. Exact zeros of ``m`` (a mask) do not
            count.
        sigma: the noise level that was used, which broadcasts against them.
        grid: shape of the map.
        scale: over which it is smooth, in voxels.
    """
    deviation = (noisy - rician_mean(denoised, sigma)).square()
    said = sigma.square() * deviation / rician_variance(denoised, sigma).clamp(min=1e-12)
    counts = (noisy > 0).float()
    nodes_of_axes = (grid[0], grid[1], grid[2])
    reach = [max(scale * nodes // (2 * side), 1) for nodes, side in zip(grid, noisy.shape[2:], strict=True)]
    near = triangular_smooth(adaptive_avg_pool3d(said * counts, nodes_of_axes), reach)
    total = triangular_smooth(adaptive_avg_pool3d(counts, nodes_of_axes), reach)
    everywhere = (said * counts).flatten(1).sum(1) / counts.flatten(1).sum(1).clamp(min=1)
    mean = everywhere.view(-1, 1, 1, 1, 1)
    return ((near + _PRIOR * mean) / (total + _PRIOR)).clamp(min=1e-12).sqrt()
