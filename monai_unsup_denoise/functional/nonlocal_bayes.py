"""Second-stage non-local Bayes refinement, guided by a pilot estimate."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from monai_unsup_denoise.functional.rician import rician_mean, rician_variance

_PATCH = 4  # side in voxels
_STRIDE = 3  # voxels between reference patches
_REACH = 5  # search radius in voxels, along each axis
_SIMILAR = 48  # patches in a group
_SIGNAL = 0.25  # least mean of a reference patch, in units of sigma
_DISTANCES = 2**25  # patch distances in memory: 128 MiB
_DEVIATIONS = 4.0  # standard errors up to which a difference of means counts as noise
_SHARE = 0.9  # weight of the refined estimate at high signal
_AT_A_TIME = 2000  # groups in memory: 24 MiB per copy

Progress = Callable[[Sequence[Tensor]], Iterable[Tensor]]


def nonlocal_bayes(noisy: Tensor, pilot: Tensor, sigma: Tensor, *, progress: Progress = iter) -> Tensor:
    """Refine a denoised magnitude volume by non-local Bayes, with the denoised volume as pilot.

    Each reference patch is grouped with the 48 most similar patches of the pilot, at most 5 voxels away. The pilot
    patches of a group have mean ``m`` and covariance ``C``. Each noisy patch ``z`` of the group is estimated as

        x = m + C (C + v)^-1 (z - m_z)

    where ``m_z`` is the mean of the noisy patches and ``v`` the variance of the noise. ``m`` is corrected towards
    ``m_z`` where the two differ significantly. Overlapping estimates are averaged. The Rician bias at the pilot's
    amplitude ``A`` is removed first, ``z = magnitude - (E[m | A] - A)``, and ``v = var[m | A]``. The result is the
    pilot plus ``0.9 A^2 / (A^2 + sigma^2 / 4)`` of the change. In background the pilot is kept almost unchanged: a
    network can recognise background, which no average can.

    Lebrun M, Buades A, Morel JM (2013). A nonlocal Bayesian image denoising algorithm. SIAM J Imaging Sci
    6(3):1665-1688, second step; there ``m`` is the uncorrected mean of the pilot. Breiman L (1995). Better subset
    regression using the nonnegative garrote. Technometrics 37(4):373-384.

    Args:
        noisy: magnitudes ``(H, W, D)``, not empty.
        pilot: first estimate ``A``, of the same shape and units, at least 0.
        sigma: noise level of each voxel, of the same shape and units, positive.
        progress: wraps the sequence of slabs to report progress, as ``tqdm`` does.

    Returns:
        Volume of the pilot's shape, at least 0; exactly 0 where the pilot is.
    """
    amplitude = pilot / sigma
    unbiased = noisy / sigma - (rician_mean(amplitude, 1.0) - amplitude)
    # Padded such that the last reference patch ends with the volume.
    sides = [max(_PATCH, n) + -max(0, n - _PATCH) % _STRIDE - n for n in pilot.shape]
    widths = [width for side in reversed(sides) for width in (0, side)]
    estimate = _aggregate(_padded(unbiased, widths), _padded(amplitude, widths), progress=progress)
    estimate = estimate[tuple(slice(n) for n in pilot.shape)]
    weight = _SHARE * amplitude.square() / (amplitude.square() + 0.25)
    return (torch.lerp(amplitude, estimate, weight) * sigma).clamp(min=0)


def _padded(field: Tensor, widths: list[int]) -> Tensor:
    return pad(field[None, None], widths, mode="replicate")[0, 0].contiguous()


def _aggregate(noisy: Tensor, pilot: Tensor, *, progress: Progress) -> Tensor:
    """Mean of the overlapping patch estimates; the pilot where there are none. In units of sigma."""
    total, count = torch.zeros(pilot.numel(), device=pilot.device), torch.zeros(pilot.numel(), device=pilot.device)
    step = torch.tensor([pilot.shape[1] * pilot.shape[2], pilot.shape[2], 1], device=pilot.device)
    # Multiply and sum: CUDA has no matrix product of integers.
    inside = (torch.cartesian_prod(*[torch.arange(_PATCH, device=pilot.device)] * 3) * step).sum(-1)
    for corners in _groups(pilot, progress=progress):
        for some in corners.split(_AT_A_TIME):
            voxels = (some * step).sum(-1, keepdim=True) + inside
            patches = _wiener(noisy.reshape(-1)[voxels], pilot.reshape(-1)[voxels])
            total.index_add_(0, voxels.reshape(-1), patches.reshape(-1))
            count.index_add_(0, voxels.reshape(-1), torch.ones_like(patches).reshape(-1))
    return torch.where(count > 0, total / count.clamp(min=1), pilot.reshape(-1)).reshape(pilot.shape)


def _wiener(noisy: Tensor, pilot: Tensor) -> Tensor:
    """Estimates of patches ``(groups, similar, voxels)``, in units of sigma.

    The filter is computed in float64: at very high signal the noise variance of 1 vanishes in float32. For data that
    are noise-free even in float64, a trillionth of the signal variance regularises the inverse.
    """
    variance = rician_variance(pilot.mean((1, 2), keepdim=True), 1.0)
    deviation = (pilot - pilot.mean(1, keepdim=True)).double()
    covariance = deviation.mT @ deviation / (pilot.shape[1] - 1)
    least = 1e-12 * covariance.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
    with_noise = covariance + (variance + least) * torch.eye(pilot.shape[2], device=pilot.device)
    gain = torch.cholesky_solve(covariance, torch.linalg.cholesky(with_noise)).to(noisy.dtype)
    mean = noisy.mean(1, keepdim=True)
    return _corrected_mean(mean, pilot.mean(1, keepdim=True), variance / pilot.shape[1]) + (noisy - mean) @ gain


def _corrected_mean(mean: Tensor, pilot: Tensor, variance: Tensor) -> Tensor:
    """The pilot's mean patch plus the significant part of its difference ``d`` to the noisy mean patch.

    Non-negative garrote ``d (1 - 16 variance / d^2)+`` on the cosine transform of the patch. Where the pilot is right,
    as in flat tissue, the noise of the means is suppressed.
    """
    side = torch.from_numpy(dct(np.eye(_PATCH), norm="ortho"))
    cosines = torch.kron(torch.kron(side, side), side).to(pilot)  # orthonormal DCT-II of a flattened patch, in columns
    difference = (mean - pilot) @ cosines
    noise = _DEVIATIONS**2 * variance / difference.square().clamp(min=1e-12)
    return pilot + ((1 - noise).clamp(min=0) * difference) @ cosines.mT


def _groups(pilot: Tensor, *, progress: Progress) -> Iterator[Tensor]:
    """Corners ``(references, similar, 3)`` of the patches most similar to each reference patch with signal."""
    around_zero = itertools.product(range(-_REACH, _REACH + 1), repeat=3)
    shifts = torch.tensor(sorted(around_zero, key=lambda s: sum(n * n for n in s)), device=pilot.device)
    last = torch.tensor([n - _PATCH for n in pilot.shape], device=pilot.device)
    grid = [torch.arange(0, n - _PATCH + 1, _STRIDE, device=pilot.device) for n in pilot.shape]
    around = _padded(pilot, [_REACH] * 6)
    slabs = grid[0].split(max(1, _DISTANCES // (len(shifts) * len(grid[1]) * len(grid[2]))))
    for rows in progress(slabs):
        first, count = int(rows[0]), int(rows[-1] - rows[0]) + _PATCH
        slab = pilot[first : first + count]
        bright = _patch_means(slab) > _SIGNAL
        references = torch.cartesian_prod(rows, grid[1], grid[2])[bright]
        distances = _distances(slab, around[first : first + count + 2 * _REACH], shifts)[:, bright]
        distances[0] = -1  # a reference belongs to its own group, also among identical patches
        nearest = distances.topk(_SIMILAR, dim=0, largest=False).indices.mT
        yield torch.minimum((references.unsqueeze(1) + shifts[nearest]).clamp(min=0), last)


def _distances(slab: Tensor, around: Tensor, shifts: Tensor) -> Tensor:
    """Mean squared differences ``(shifts, references)`` between the patches of a slab and shifted ones around it."""
    h, w, d = slab.shape
    corners = (shifts + _REACH).tolist()
    return torch.stack(
        [_patch_means((slab - around[x : x + h, y : y + w, z : z + d]).square_()) for x, y, z in corners]
    )


def _patch_means(slab: Tensor) -> Tensor:
    """Mean over each reference patch, ``(references,)``."""
    return avg_pool3d(slab[None, None], _PATCH, stride=_STRIDE).reshape(-1)
