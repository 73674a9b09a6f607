"""Second-stage non-local Bayes refinement, guided by a pilot estimate."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from monai_unsup_denoise.functional.patch_noise import PatchNoise, patch_noise
from monai_unsup_denoise.functional.patch_wiener import patch_wiener
from monai_unsup_denoise.functional.rician import rician_mean
from monai_unsup_denoise.functional.threads import map_in_threads

_PATCH = 4  # side in voxels
_STRIDE = 3  # voxels between reference patches
_REACH = 5  # search radius in voxels, along each axis
_CANDIDATES = 80  # patches for a group by their means
_SIMILAR = 40  # of these, the patches in a group
_NEVER_SIMILAR = 1e15  # in units of sigma
_SIGNAL = 0.25  # least mean of a reference patch, in units of sigma
_SHARE = 0.9  # weight of the refined estimate at high signal
_PLANES = 16  # of the volume that are put together at a time
_ROWS = 4  # of reference patches that a thread takes at a time
_GROUPS = 256  # groups at a time on a CPU: as many as its cache holds
_GROUPS_ON_GPU = 2**14

Progress = Callable[..., Iterable[tuple[slice, Tensor, Tensor]]]


def nonlocal_bayes(
    noisy: Tensor,
    pilot: Tensor,
    sigma: Tensor,
    *,
    correlation: Sequence[float] | Tensor | None = None,
    coils: int = 1,
    progress: Progress | None = None,
) -> Tensor:
    """Refine a denoised magnitude volume by non-local Bayes, with the denoised volume as pilot.

    Each reference patch is grouped with the 40 most similar patches of the pilot, at most 5 voxels away. The pilot
    patches of a group have mean ``m`` and covariance ``C``. Each noisy patch ``z`` of the group is estimated as

        x = m + C (C + v R)^-1 (z - m_z)

    where ``m_z`` is the mean of the noisy patches, ``v`` the variance of the noise and ``R`` its correlation within a
    patch, the identity for white noise (``patch_noise``). ``m`` is corrected towards ``m_z`` where the two differ
    significantly. Overlapping estimates are averaged. The bias of magnitudes at the pilot's amplitude ``A`` is removed
    first, ``z = magnitude - (E[m | A] - A)``, and ``v = var[m | A]``. The result is the pilot plus
    ``0.9 A^2 / (A^2 + sigma^2 / 4)`` of the change. In background the pilot is kept almost unchanged: a network can
    recognise background, which no average can.

    Lebrun M, Buades A, Morel JM (2013). A nonlocal Bayesian image denoising algorithm. SIAM J Imaging Sci
    6(3):1665-1688, second step; there ``m`` is the uncorrected mean of the pilot. Breiman L (1995). Better subset
    regression using the nonnegative garrote. Technometrics 37(4):373-384.

    Args:
        noisy: magnitudes ``(H, W, D)``, not empty.
        pilot: first estimate ``A``, of the same shape and units, at least 0.
        sigma: noise level of each voxel, of the same shape and units, positive.
        correlation: of the noise of neighbouring voxels along each of the three axes, in (-1, 1); None for white noise.
            Values within 0.05 of 0 along all axes count as white.
        coils: number of coils whose images were combined by the root of the sum of squares; ``sigma`` is that of each.
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
    noise = patch_noise(correlation, _PATCH, coils=coils, like=pilot)
    rows = torch.arange(0, shape[0] - _PATCH + 1, _STRIDE).split(_ROWS)
    apply = map_in_threads if pilot.device.type == "cpu" else map
    slabs = apply(partial(_refine_slab, noisy, pilot, sigma, shape, noise), rows)
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
    noisy: Tensor, pilot: Tensor, sigma: Tensor, shape: Sequence[int], noise: PatchNoise, rows: Tensor
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
    unbiased = padded(noisy[inside] / sigma[inside] - (rician_mean(amplitude, 1.0, coils=noise.coils) - amplitude))
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
        estimates = patch_wiener(patches_at(corner, unbiased), patches_at(corner, amplitude), noise=noise)
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
