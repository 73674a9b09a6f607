"""Second-stage non-local Bayes refinement, guided by a pilot estimate."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from monai_unsup_denoise.functional.rician import rician_mean, rician_variance
from monai_unsup_denoise.functional.threads import map_in_threads

_PATCH = 4  # side in voxels
_STRIDE = 3  # voxels between reference patches
_REACH = 5  # search radius in voxels, along each axis
_CANDIDATES = 80  # patches for a group by their means
_SIMILAR = 40  # of these, the patches in a group
_NEVER_SIMILAR = 1e15  # in units of sigma
_SIGNAL = 0.25  # least mean of a reference patch, in units of sigma
_EXCESS = 0.3  # share of the noise variance by which a residual may exceed it
_DEVIATIONS = 4.0  # standard errors up to which a difference of means counts as noise
_SHARE = 0.9  # weight of the refined estimate at high signal
_PLANES = 16  # of the volume that are put together at a time
_ROWS = 4  # of reference patches that a thread takes at a time
_GROUPS = 256  # groups at a time on a CPU: as many as its cache holds
_GROUPS_ON_GPU = 2**14

Progress = Callable[..., Iterable[tuple[slice, Tensor, Tensor]]]


def nonlocal_bayes(noisy: Tensor, pilot: Tensor, sigma: Tensor, *, progress: Progress | None = None) -> Tensor:
    """Refine a denoised magnitude volume by non-local Bayes, with the denoised volume as pilot.

    Each reference patch is grouped with the 40 most similar patches of the pilot, at most 5 voxels away. The pilot
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
        progress: called with the iterator of the parts and their number as ``total``, as ``tqdm`` is.

    Returns:
        Volume of the pilot's shape, at least 0; exactly 0 where the pilot is. The pilot, where there are 4 slices or
        fewer along an axis.
    """
    if min(pilot.shape) <= _PATCH:  # too few estimates of each voxel to average, which cost up to 2 dB
        return pilot.clone()
    # Sides such that the last reference patch ends with the volume.
    shape = [max(_PATCH, n) + -max(0, n - _PATCH) % _STRIDE for n in pilot.shape]
    total, count = pilot.new_zeros(shape), torch.zeros(shape, dtype=torch.int16, device=pilot.device)
    rows = torch.arange(0, shape[0] - _PATCH + 1, _STRIDE).split(_ROWS)
    apply = map_in_threads if pilot.device.type == "cpu" else map
    slabs = apply(partial(_refine_slab, noisy, pilot, sigma, shape), rows)
    for place, sums, estimates in slabs if progress is None else progress(slabs, total=len(rows)):
        total[place] += sums
        count[place] += estimates
    crop = tuple(slice(n) for n in pilot.shape)
    refined = torch.empty_like(pilot)
    parts = zip(*(volume.split(_PLANES) for volume in (pilot, sigma, total[crop], count[crop], refined)), strict=True)
    for known, level, summed, number, result in parts:  # a volume may be a large part of the memory
        amplitude = known / level
        estimate = torch.where(number > 0, summed / number.clamp(min=1), amplitude)
        weight = _SHARE * amplitude.square() / (amplitude.square() + 0.25)
        result.copy_(amplitude.lerp_(estimate, weight).mul_(level).clamp_(min=0))
    return refined


def _refine_slab(
    noisy: Tensor, pilot: Tensor, sigma: Tensor, shape: Sequence[int], rows: Tensor
) -> tuple[slice, Tensor, Tensor]:
    """A slab of a volume of this shape, the sum of the estimates of its voxels in units of sigma, and their number.

    The estimates are those of the groups whose reference patch starts in ``rows``.
    """
    height, width, depth = shape
    first, last = int(rows[0]) - _REACH, int(rows[-1]) + _PATCH + _REACH
    inside = torch.arange(first, last, device=pilot.device).clamp(0, pilot.shape[0] - 1)
    beyond = [_REACH, depth - pilot.shape[2] + _REACH, _REACH, width - pilot.shape[1] + _REACH]

    def padded(volume: Tensor) -> Tensor:
        return pad(volume[None], beyond, mode="replicate")[0].contiguous()

    amplitude = pilot[inside] / sigma[inside]
    unbiased = padded(noisy[inside] / sigma[inside] - (rician_mean(amplitude, 1.0) - amplitude))
    amplitude = padded(amplitude)
    step = torch.tensor(amplitude.stride(), device=pilot.device)
    patch = (torch.cartesian_prod(*[torch.arange(_PATCH, device=pilot.device)] * 3) * step).sum(-1)
    # Corners of patches are within the volume: in the first axis, the slab may reach beyond it.
    lowest = [max(0, -first), _REACH, _REACH]
    highest = [side - _PATCH for side in (min(last, height) - first, width + _REACH, depth + _REACH)]
    within = tuple(slice(low, high + _PATCH - 1) for low, high in zip(lowest, highest, strict=True))
    means = torch.full_like(amplitude[1:, 1:, 1:], _NEVER_SIMILAR)
    means[within] = avg_pool3d(amplitude[None, None], 2, stride=1)[0, 0][within]
    least, most = (torch.tensor(corner, device=pilot.device) for corner in (lowest, highest))
    sums, corners = torch.zeros_like(amplitude).view(-1), torch.zeros_like(amplitude).view(-1)
    references = _references(amplitude)

    def patches_at(corners: Tensor, volume: Tensor) -> Tensor:
        voxels = corners.unsqueeze(-1) + patch
        return volume.view(-1).index_select(0, voxels.view(-1)).view_as(voxels)

    for some in references.split(_GROUPS if pilot.device.type == "cpu" else _GROUPS_ON_GPU):
        own = ((some + _REACH) * step).sum(-1, keepdim=True)
        members = (some.unsqueeze(1) + _REACH + _candidates(means, some)).clamp(least, most)
        corner = (members * step).sum(-1)
        patches, reference = patches_at(corner, amplitude), patches_at(own, amplitude)
        distances = (patches - reference).square_().sum(-1).masked_fill_(corner == own, -1)
        corner = corner.gather(1, _nearest(distances, _SIMILAR))
        voxels = (corner.unsqueeze(-1) + patch).view(-1)
        estimates = _wiener(patches_at(corner, unbiased), patches_at(corner, amplitude))
        sums.scatter_add_(0, voxels, estimates.view(-1))
        corners.scatter_add_(0, corner.view(-1), torch.ones(1, device=pilot.device).expand(corner.numel()))
    # A voxel has as many estimates as patches start up to three voxels before it.
    starts = pad(corners.view(amplitude.shape)[None, None], [_PATCH - 1, 0] * 3)
    number = (_PATCH**3 * avg_pool3d(starts, _PATCH, stride=1)[0, 0]).round().to(torch.int16)
    of_slab = slice(max(0, -first), min(last, height) - first), slice(_REACH, -_REACH), slice(_REACH, -_REACH)
    return slice(max(0, first), min(last, height)), sums.view(amplitude.shape)[of_slab], number[of_slab]


def _references(amplitude: Tensor) -> Tensor:
    """Corners ``(references, 3)`` of the reference patches with signal, in the slab without its margin."""
    inner = amplitude[(slice(_REACH, -_REACH),) * 3]
    means = avg_pool3d(inner[None, None], _PATCH, stride=_STRIDE)[0, 0]
    return (means > _SIGNAL).nonzero() * _STRIDE


def _candidates(means: Tensor, references: Tensor) -> Tensor:
    """Shifts ``(references, candidates, 3)`` to the patches with the least squared difference to each reference patch.

    The eight ``means`` of 2 x 2 x 2 voxels of a patch stand for it: the pilot is smooth.
    """
    side = 2 * _REACH + 1
    step = torch.tensor(means.stride(), device=means.device)
    offsets = (torch.cartesian_prod(*[torch.arange(side + 2, device=means.device)] * 3) * step).sum(-1)
    around = offsets.unsqueeze(1) + (references * step).sum(-1)
    # References last, so that each operation runs along contiguous memory.
    around = means.view(-1).index_select(0, around.view(-1)).view(side + 2, side + 2, side + 2, -1)
    distances = torch.zeros(side, side, side, len(references), device=means.device)
    for x, y, z in itertools.product((0, 2), repeat=3):
        difference = around[x : x + side, y : y + side, z : z + side] - around[_REACH + x, _REACH + y, _REACH + z]
        distances.addcmul_(difference, difference)
    distances[_REACH, _REACH, _REACH] = -1  # a reference belongs to its own group, also among identical patches
    shifts = torch.cartesian_prod(*[torch.arange(-_REACH, _REACH + 1, device=means.device)] * 3)
    return shifts[_nearest(distances.view(side**3, -1).mT.contiguous(), _CANDIDATES)]


def _nearest(distances: Tensor, count: int) -> Tensor:
    return distances.topk(count, largest=False, sorted=False).indices


def _wiener(noisy: Tensor, pilot: Tensor) -> Tensor:
    """Estimates of patches ``(groups, similar, voxels)``, in units of sigma.

    A residual ``z - x`` of more variance than the noise shows that the pilot lacks signal. The excess ``e`` is the
    variance of what is missing, of which ``e / (e + v)`` of the residual is the best linear estimate.

    With the deviations ``D`` of the ``n`` pilot patches from their mean, ``C = D^T D / (n - 1)``, so that
    ``C (C + v)^-1 = D^T (D D^T + (n - 1) v)^-1 D``, which has the smaller matrix to factor. A hundred-thousandth of
    the signal regularises it for data that are noise-free in float32.
    """
    similar = pilot.shape[1]
    variance = rician_variance(pilot.mean((1, 2), keepdim=True), 1.0)
    pilot_mean, mean = pilot.mean(1, keepdim=True), noisy.mean(1, keepdim=True)
    deviation = pilot - pilot_mean
    gram = deviation @ deviation.mT
    diagonal = gram.diagonal(dim1=1, dim2=2)
    diagonal += (similar - 1) * variance[:, 0] + 1e-5 * diagonal.mean(1, keepdim=True)
    solved = torch.cholesky_solve(deviation, torch.linalg.cholesky(gram))
    estimate = (noisy - mean) @ deviation.mT @ solved + _corrected_mean(mean, pilot_mean, variance / similar)
    residual = (noisy - estimate).square().mean((1, 2), keepdim=True)
    excess = (residual - (1 + _EXCESS) * variance).clamp(min=0)
    return torch.lerp(estimate, noisy, excess / (excess + variance))


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
