"""Maps that go with a denoised volume, made on request."""

from collections.abc import Callable

import torch
from monai.networks.layers import GaussianFilter
from torch import Tensor

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference.noise import NoiseEstimate
from monai_unsup_denoise.inference.tiles import cut_tiles
from monai_unsup_denoise.networks.error_head import COVERAGES, ErrorHead, noise_numbers

TWO_SIDED_95 = 1.96  # standard deviations of a normal error
_SMOOTHING = 1.5  # standard deviation in voxels of the Gaussian that smooths the squared error of so few copies
_TILE = 2**20  # voxels that the error head computes at a time, in 0.3 GB


def half_width_maps(head: ErrorHead, noisy: Tensor, denoised: Tensor, sigma: Tensor, noise: NoiseEstimate) -> Tensor:
    """Half-widths ``(1, 2, H, W, D)`` of intervals around ``denoised`` that hold 68 and 95 % of the truth.

    Args:
        head: calibrated for the denoiser.
        noisy, denoised: ``(1, 1, H, W, D)``, in multiples of the reference intensity, without the Rician floor.
        sigma: noise level of each voxel, as `sigma_map` gives it.
        noise: of the volume.
    """
    numbers = noise_numbers(noise.correlation, coils=noise.coils, error=noise.error).to(noisy.device)
    found = noisy.new_empty(1, len(COVERAGES), *noisy.shape[2:])
    for tile in cut_tiles(noisy.shape[2:], _TILE, halo=head.halo):
        cut = [volume[0, 0][tile.outer][None, None] for volume in (noisy, denoised, sigma)]
        found[0][(slice(None), *tile.core)] = head(*cut, numbers)[0][(slice(None), *tile.inner)]
    return found


def with_noise(half_widths: Tensor, sigma: Tensor, strength: float) -> Tensor:
    """Half-widths ``(1, 2, H, W, D)`` around ``strength`` times the denoised volume plus the rest of the scan.

    The error is ``strength`` times that of the denoised volume plus ``1 - strength`` times the noise, at most the sum
    of both, since they are alike where structure was left.

    Args:
        half_widths: around the denoised volume.
        sigma: noise level of each voxel, ``(1, 1, H, W, D)``.
        strength: as in `DenoiseSettings`.
    """
    noise = torch.cat([sigma, TWO_SIDED_95 * sigma], dim=1)
    return strength * half_widths + (1 - strength) * noise


def uncertainty_map(
    denoised: Tensor, sigma: Tensor, denoise: Callable[[Tensor], Tensor], *, repeats: int = 4, seed: int = 0
) -> Tensor:
    """Standard deviation of the expected error in each voxel of ``denoised``, by parametric bootstrap.

    Take the denoised volume for the truth, add Rician noise of the estimated level, denoise again, and measure the
    difference. Detail that the denoiser erased altogether cannot come back: there the map is too low.

    Efron B, Tibshirani RJ (1993). An Introduction to the Bootstrap, chapter 6.5.

    Args:
        denoised: ``(1, 1, H, W, D)``, in multiples of the reference intensity, without the Rician floor.
        sigma: noise level of each voxel, as `sigma_map` gives it.
        denoise: denoises a volume by the noise estimate of the original one.
        repeats: noisy copies to denoise; each costs as much as the denoising did.
        seed: of the noise.
    """
    generator = torch.Generator().manual_seed(seed)
    squared = torch.zeros_like(denoised)
    for _ in range(repeats):
        again = denoise(add_rician_noise(denoised, sigma, generator=generator))
        squared += (again - denoised).square()
    smooth = GaussianFilter(3, _SMOOTHING).to(denoised.device)
    inside = smooth(torch.ones_like(squared))  # the filter pads with zeros
    return (smooth(squared / repeats) / inside).clamp(min=0).sqrt()
