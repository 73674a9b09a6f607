"""Noise maps: estimation from a residual, and statistics over tissue."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool3d, avg_pool3d, pad

from monai_unsup_denoise.functional.coarse_maps import triangular_smooth
from monai_unsup_denoise.functional.rician import rician_mean, rician_variance

_ALL = 0.999  # of the voxels of a patch
_ENOUGH = 50  # patches in tissue
_ROWS = 16  # computed at a time, for the memory
_PRIOR = 0.02  # weight of the global mean, which takes over where no voxel counts


def residual_noise_map(
    noisy: Tensor, denoised: Tensor, sigma: Tensor, grid: Sequence[int], *, scale: int = 16
) -> Tensor:
    """Smooth map ``(B, 1, *grid)`` of the level of white noise, from the residual of a first denoising.

    The standardised residual ``r = (m - E[m]) / std[m]``, with the Rician moments of the denoised amplitude, has unit
    variance for noise of level ``sigma``. Its second difference along each axis keeps white noise, and little of the
    error of the denoiser, which is smooth; so does the most oblique band of a wavelet transform (Donoho and Johnstone,
    Biometrika 81, 1994), but in the residual there is no anatomy. The map is the root of ``sigma^2`` times its mean
    square over about ``scale`` voxels.

    Args:
        noisy, denoised: ``m`` and the estimate of ``A``, ``(B, 1, H, W, D)``. Voxels with ``m`` exactly 0 (a mask), and
            their neighbours, are ignored.
        sigma: noise level used for the denoising; broadcasts against the images.
        grid: shape of the map.
        scale: smoothness of the map, in voxels.
    """
    volumes = [x.expand_as(noisy) for x in (noisy, denoised, sigma)]
    starts = range(0, noisy.shape[2], _ROWS)
    local = torch.cat([_local_white_variance(start, *volumes) for start in starts], dim=2)
    valid = local.isfinite().float()
    local = local.nan_to_num()
    size = (grid[0], grid[1], grid[2])
    reach = [max(scale * nodes // (2 * side), 1) for nodes, side in zip(grid, noisy.shape[2:], strict=True)]
    total = triangular_smooth(adaptive_avg_pool3d(local, size), reach)
    count = triangular_smooth(adaptive_avg_pool3d(valid, size), reach)
    mean = local.flatten(1).sum(1) / valid.flatten(1).sum(1).clamp(min=1)
    return ((total + _PRIOR * mean.view(-1, 1, 1, 1, 1)) / (count + _PRIOR)).clamp(min=1e-12).sqrt()


def _local_white_variance(start: int, noisy: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
    """Estimate of the variance at each voxel of some rows from ``start``, ``(B, 1, rows, W, D)``; NaN where none."""
    first, stop = max(start - 1, 0), min(start + _ROWS + 1, noisy.shape[2])
    noisy, denoised, sigma = (x[:, :, first:stop] for x in (noisy, denoised, sigma))
    residual = (noisy - rician_mean(denoised, sigma)) / rician_variance(denoised, sigma).clamp(min=1e-12).sqrt()
    residual = residual.where(noisy > 0, math.nan)  # which spreads to the neighbours
    for axis in (2, 3):  # slices may lie further apart, and their noise be correlated
        if noisy.shape[axis] > 2:  # else all voxels lie on the border
            ends = [0, 0, 1, 1] if axis == 3 else [0, 0, 0, 0, 1, 1]
            residual = pad(residual.diff(n=2, dim=axis), ends, value=math.nan) / math.sqrt(6)
    rows = slice(start - first, start - first + _ROWS)
    return (sigma * residual).square()[:, :, rows]


def residual_share(noisy: Tensor, denoised: Tensor, sigma: Tensor) -> float:
    """What a first denoising took away, in units of the noise level that it was told: the median over tissue.

    The root of the mean square of ``(m - E[m]) sigma / std[m]``, over patches of 4 by 4 voxels. It is 0.7 to 1 for a
    level that is right, less for correlated noise, of which a part is left; and below a half for one that is much too
    high, since that much is not to be found.

    Args:
        noisy, denoised: ``m`` and the estimate of ``A``, ``(1, 1, H, W, D)``.
        sigma: noise level used for the denoising; broadcasts against the images.
    """
    share = _local_variance(noisy, denoised, sigma.expand_as(noisy)) / sigma.square()
    sides = (min(4, noisy.shape[2]), min(4, noisy.shape[3]), 1)
    tissue = (denoised > 0.5 * denoised[noisy > 0].mean()).float()
    inside = avg_pool3d(tissue, sides) > _ALL
    local = avg_pool3d(share, sides)[inside]
    return float(local.median().sqrt()) if len(local) else 1.0


def _local_variance(noisy: Tensor, denoised: Tensor, sigma: Tensor) -> Tensor:
    variance = rician_variance(denoised, sigma).clamp(min=1e-12)
    return sigma.square() * (noisy - rician_mean(denoised, sigma)).square() / variance


def log_sigma_rms(sigma_map: Tensor, sigma: Tensor, image: Tensor) -> Tensor:
    """RMS log-deviation ``(B,)`` of a noise map from a single level, over tissue.

        sqrt( mean over tissue of log(sigma_map / sigma)^2 )

    0 for stationary noise and for images without tissue; 0.2 if the level doubles log-linearly across the tissue and
    ``sigma`` is its central value.

    Args:
        sigma_map: coarse map ``(B, *grid)``, positive.
        sigma: one level per volume, ``(B,)``, positive.
        image: the volumes, ``(B, 1, H, W, D)``.
    """
    tissue = _is_tissue(image, sigma_map)
    squares = (sigma_map / sigma.reshape(-1, 1, 1, 1)).log().square() * tissue
    return (squares.flatten(1).sum(1) / tissue.flatten(1).sum(1).clamp(min=1)).sqrt()


def median_tissue_sigma(sigma_map: Tensor, image: Tensor) -> Tensor:
    """Median ``(B,)`` of a coarse map ``(B, *grid)`` over the tissue of ``image`` ``(B, 1, H, W, D)``.

    For an image without tissue, the median of the whole map.
    """
    pairs = zip(sigma_map, _is_tissue(image, sigma_map), strict=True)
    return torch.stack([(sigma[tissue] if tissue.any() else sigma).median() for sigma, tissue in pairs])


def least_sigma(image: Tensor) -> float:
    """Noise level in the quietest part of volumes ``(B, 1, H, W, D)``, an upper limit of it where noise is even.

    The second percentile of the standard deviation over patches of 5 by 5 voxels, which anatomy can only raise, divided
    by that of a Rician magnitude. About 0.7 sigma for white noise. Patches with voxels of 0 (a mask) are ignored;
    infinite if there are no others. Air may have less noise than tissue: where there is tissue, brighter than half of
    the mean, only its patches count.
    """
    magnitude = image.double()
    sides = (min(5, image.shape[2]), min(5, image.shape[3]), 1)
    mean, square, inside = (
        avg_pool3d(x, sides, stride=(2, 2, 1)) for x in (magnitude, magnitude.square(), (image > 0).double())
    )
    mean, square = mean[inside > _ALL], square[inside > _ALL]
    tissue = mean > 0.5 * image[image > 0].double().mean()
    if int(tissue.sum()) >= _ENOUGH:
        mean, square = mean[tissue], square[tissue]
    deviation = (square - mean.square()).clamp(min=1e-12).sqrt()
    if not len(mean):
        return math.inf
    # The deviation is 0.655 sigma in background, where the mean is 1.9 deviations, and sigma in tissue.
    factor = (0.655 + 0.345 * (mean / deviation - 1.9) / 1.6).clamp(0.655, 1)
    return float((deviation / factor).kthvalue(1 + len(mean) // 50).values)


def _is_tissue(image: Tensor, grid: Tensor) -> Tensor:
    """Nodes of a grid ``(B, *grid)`` that are brighter than the mean of the nonzero voxels."""
    height, width, depth = grid.shape[1:]
    local = adaptive_avg_pool3d(image, (height, width, depth))[:, 0]
    mean = image.flatten(1).sum(1) / (image > 0).flatten(1).sum(1).clamp(min=1)
    return local > mean.reshape(-1, 1, 1, 1)
