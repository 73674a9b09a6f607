"""A second look at a denoised volume: places that look alike in it tell each other's noise from their signal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from monai_unsup_denoise.functional.rician import rician_mean, rician_variance

_PATCH = 4  # side in voxels
_STRIDE = 3  # voxels from one reference patch to the next
_REACH = 5  # how far away, in voxels, like patches are looked for
_SIMILAR = 48  # like patches of a reference
_SIGNAL = 0.25  # mean of a patch, in units of sigma, from which it is a reference
_DISTANCES = 2**25  # at most in memory: 128 MiB
_DEVIATIONS = 4.0  # standard deviations of a mean's noise up to which it is chance
_SHARE = 0.9  # of the second estimate in the result, where the signal is high
_AT_A_TIME = 2000  # groups of patches in memory: 24 MiB, some times over

Progress = Callable[[Sequence[Tensor]], Iterable[Tensor]]


def nonlocal_bayes(noisy: Tensor, pilot: Tensor, sigma: Tensor, *, progress: Progress = iter) -> Tensor:
    """Denoise a magnitude volume once more, by non-local Bayes whose pilot is the first result.

    For each of the reference patches the 48 most like it in the pilot are found, up to 5 voxels away; their mean and
    their covariance in the pilot, `C`, are what patches there look like. Then each of these patches, `z`, becomes

        x = m + C (C + v)^-1 (z - m_z)

    with `m_z` the mean of the noisy patches, `v` the variance of the noise, and `m` the mean in the pilot, corrected by
    `m_z` where they differ by more than chance; where patches overlap, the mean of their estimates counts. `z` is the
    magnitude less the Rician bias that it has if the pilot is right, `z = m - (E[m | A] - A)`, and `v = var[m | A]`.
    The result is the pilot plus `0.9 A^2 / (A^2 + sigma^2 / 4)` of the difference: hardly any in air, where the pilot
    can be right by knowing what air is, and no average can.

    Lebrun M, Buades A, Morel JM (2013). A nonlocal Bayesian image denoising algorithm. SIAM J Imaging Sci
    6(3):1665-1688, its second step, there with `m` the pilot's mean. Breiman L (1995). Better subset regression using
    the nonnegative garrote. Technometrics 37(4):373-384.

    Args:
        noisy: magnitudes `(H, W, D)`, no side of which is 0.
        pilot: the first result, `A`, alike in shape and units, 0 or more.
        sigma: noise level of each voxel, alike in shape and units, positive.
        progress: wraps the slabs that are worked on in turn, as ``tqdm`` does, to show how far it is.

    Returns:
        As `pilot`, 0 or more; exactly 0 where the pilot is.
    """
    amplitude = pilot / sigma
    unbiased = noisy / sigma - (rician_mean(amplitude, 1.0) - amplitude)
    # references start at every third voxel, the first and the last possible included
    sides = [max(_PATCH, n) + -max(0, n - _PATCH) % _STRIDE - n for n in pilot.shape]
    widths = [width for side in reversed(sides) for width in (0, side)]
    estimate = _aggregate(_padded(unbiased, widths), _padded(amplitude, widths), progress=progress)
    estimate = estimate[tuple(slice(n) for n in pilot.shape)]
    weight = _SHARE * amplitude.square() / (amplitude.square() + 0.25)
    return (torch.lerp(amplitude, estimate, weight) * sigma).clamp(min=0)


def _padded(field: Tensor, widths: list[int]) -> Tensor:
    return pad(field[None, None], widths, mode="replicate")[0, 0].contiguous()


def _aggregate(noisy: Tensor, pilot: Tensor, *, progress: Progress) -> Tensor:
    """Mean over the estimates of all patches that hold a voxel; the pilot where there is none. In units of sigma."""
    total, count = torch.zeros(pilot.numel(), device=pilot.device), torch.zeros(pilot.numel(), device=pilot.device)
    step = torch.tensor([pilot.shape[1] * pilot.shape[2], pilot.shape[2], 1], device=pilot.device)
    # a sum, for CUDA has no product of matrices of integers
    inside = (torch.cartesian_prod(*[torch.arange(_PATCH, device=pilot.device)] * 3) * step).sum(-1)
    for corners in _groups(pilot, progress=progress):
        for some in corners.split(_AT_A_TIME):
            voxels = (some * step).sum(-1, keepdim=True) + inside
            patches = _wiener(noisy.reshape(-1)[voxels], pilot.reshape(-1)[voxels])
            total.index_add_(0, voxels.reshape(-1), patches.reshape(-1))
            count.index_add_(0, voxels.reshape(-1), torch.ones_like(patches).reshape(-1))
    return torch.where(count > 0, total / count.clamp(min=1), pilot.reshape(-1)).reshape(pilot.shape)


def _wiener(noisy: Tensor, pilot: Tensor) -> Tensor:
    """Estimates of patches `(B, similar, voxels)`, given those of the pilot.

    The gain in float64: with next to no noise, the noise's variance of 1 is lost in float32 beside that of the signal.
    With none at all it is lost in float64, too; then a trillionth of the signal's takes its place.
    """
    variance = rician_variance(pilot.mean((1, 2), keepdim=True), 1.0)
    deviation = (pilot - pilot.mean(1, keepdim=True)).double()
    covariance = deviation.mT @ deviation / (pilot.shape[1] - 1)
    least = 1e-12 * covariance.diagonal(dim1=1, dim2=2).sum(-1)[:, None, None]
    with_noise = covariance + (variance + least) * torch.eye(pilot.shape[2], device=pilot.device)
    gain = torch.cholesky_solve(covariance, torch.linalg.cholesky(with_noise)).to(noisy.dtype)
    mean = noisy.mean(1, keepdim=True)
    return _beyond_chance(mean, pilot.mean(1, keepdim=True), variance / pilot.shape[1]) + (noisy - mean) @ gain


def _beyond_chance(mean: Tensor, pilot: Tensor, variance: Tensor) -> Tensor:
    """The pilot's means, and of what the noisy means differ from them, `d`, what chance does not explain.

    The non-negative garrote, `d (1 - 16 variance / d^2)+`, of the cosine transform of a patch: where the pilot is
    right, as in flat tissue, the noise of the means stays out of it.
    """
    cosines = _cosines(pilot)
    difference = (mean - pilot) @ cosines
    chance = _DEVIATIONS**2 * variance / difference.square().clamp(min=1e-12)
    return pilot + ((1 - chance).clamp(min=0) * difference) @ cosines.mT


def _cosines(like: Tensor) -> Tensor:
    """Columns: the orthonormal cosine transform (DCT-II) of a patch, flattened."""
    side = torch.from_numpy(dct(np.eye(_PATCH), norm="ortho"))
    return torch.kron(torch.kron(side, side), side).to(like)


def _groups(pilot: Tensor, *, progress: Progress) -> Iterator[Tensor]:
    """Corners `(references, similar, 3)` of the patches most like each reference, where there is signal."""
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
        distances[0] = -1  # the reference itself is of its group, also where all are alike
        nearest = distances.topk(_SIMILAR, dim=0, largest=False).indices.mT
        yield torch.minimum((references.unsqueeze(1) + shifts[nearest]).clamp(min=0), last)


def _distances(slab: Tensor, around: Tensor, shifts: Tensor) -> Tensor:
    """Mean squared difference `(shifts, references)` of a slab's patches to those of its surroundings, shifted."""
    h, w, d = slab.shape
    return torch.stack(
        [
            _patch_means((slab - around[x : x + h, y : y + w, z : z + d]).square_())
            for x, y, z in (shifts + _REACH).tolist()
        ]
    )


def _patch_means(slab: Tensor) -> Tensor:
    """Mean of `slab` over each reference patch, `(references,)`."""
    return avg_pool3d(slab[None, None], _PATCH, stride=_STRIDE).reshape(-1)
