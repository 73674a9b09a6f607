"""Second-stage non-local Bayes refinement, guided by a pilot estimate."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, pad

from monai_unsup_denoise.functional.patch_groups import CUBES, SQUARES, Patches, candidates_of, nearest, references_of
from monai_unsup_denoise.functional.patch_noise import PatchNoise, patch_noise
from monai_unsup_denoise.functional.patch_wiener import patch_wiener
from monai_unsup_denoise.functional.rician import rician_mean
from monai_unsup_denoise.functional.threads import map_in_threads

_THIN = 4  # slices up to which patches lie in the plane
_ROUNDS = 4  # at most, of a thin stack
_SETTLED = 0.08  # change of tissue by a round, in units of sigma, up to which the round is not needed
_NEVER_SIMILAR = 1e15  # in units of sigma
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

    Each reference patch of 4 x 4 x 4 voxels is grouped with the 40 most similar patches of the pilot, at most 5 voxels
    away. Of four slices or fewer, patches have 8 x 8 x 1 voxels and groups 90, at most 8 voxels away. A network sees
    little of so thin a stack, and its pilot may be poor: there the result is the pilot of a further round, as long as
    that changes tissue by more than 0.08 sigma. The pilot patches of a group have mean ``m`` and covariance ``C``. Each
    noisy patch ``z`` of the group is estimated as

        x = m + C (C + v R)^-1 (z - m_z)

    where ``m_z`` is the mean of the noisy patches, ``v`` the variance of the noise and ``R`` its correlation within a
    patch, the identity for white noise (``patch_noise``). Patches of correlated noise have fewer independent values,
    and groups are twice as large. ``m`` is corrected towards ``m_z`` where the two differ significantly. Overlapping
    estimates are averaged. The bias of magnitudes at the pilot's amplitude ``A`` is removed first,
    ``z = magnitude - (E[m | A] - A)``, and ``v = var[m | A]``. The result is the pilot plus
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
        Volume of the pilot's shape, at least 0; exactly 0 where the pilot is. The pilot, where there are 4 voxels or
        fewer along two axes.
    """
    thin = min(range(3), key=lambda axis: pilot.shape[axis])
    if sorted(pilot.shape)[1] <= _THIN:
        return pilot.clone()
    if pilot.shape[thin] > _THIN:
        return _refine(noisy, pilot, sigma, CUBES, correlation, coils, progress)
    noisy, pilot, sigma = (volume.movedim(thin, 2).contiguous() for volume in (noisy, pilot, sigma))
    if correlation is not None:
        along = [float(r) for r in correlation]
        correlation = [*along[:thin], *along[thin + 1 :], along[thin]]
    squares = SQUARES._replace(reach=(*SQUARES.reach[:2], pilot.shape[2] - 1))
    refined = _refine(noisy, pilot, sigma, squares, correlation, coils, progress)
    for _ in range(_ROUNDS - 1):
        again = _refine(noisy, refined, sigma, squares, correlation, coils, progress)
        if _change(refined, again, sigma) <= _SETTLED:
            break
        refined = again
    return refined.movedim(2, thin)


def _change(before: Tensor, after: Tensor, sigma: Tensor) -> float:
    """Root mean square in units of sigma, over tissue: brighter than half of the mean of all that is not 0."""
    tissue = before > 0.5 * before[before > 0].mean()
    return float(((after - before) / sigma)[tissue].square().mean().sqrt())


def _refine(
    noisy: Tensor,
    pilot: Tensor,
    sigma: Tensor,
    patches: Patches,
    correlation: Sequence[float] | Tensor | None,
    coils: int,
    progress: Progress | None,
) -> Tensor:
    # Sides such that the last reference patch ends with the volume.
    lengths = zip(pilot.shape, patches.sides, patches.stride, strict=True)
    shape = [max(side, n) + -max(0, n - side) % stride for n, side, stride in lengths]
    total, count = pilot.new_zeros(shape), torch.zeros(shape, dtype=torch.int16, device=pilot.device)
    noise = patch_noise(correlation, patches.sides, coils=coils, like=pilot)
    if noise.precision is not None:
        patches = patches.in_larger_groups()
    rows = torch.arange(0, shape[0] - patches.sides[0] + 1, patches.stride[0]).split(_ROWS)
    apply = map_in_threads if pilot.device.type == "cpu" else map
    slabs = apply(partial(_refine_slab, noisy, pilot, sigma, patches, shape, noise), rows)
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
    noisy: Tensor,
    pilot: Tensor,
    sigma: Tensor,
    patches: Patches,
    shape: Sequence[int],
    noise: PatchNoise,
    rows: Tensor,
) -> tuple[slice, Tensor, Tensor]:
    """A slab of a volume of this shape, the sum of the estimates of its voxels in units of sigma, and their number.

    The estimates are those of the groups whose reference patch starts in ``rows``.
    """
    (height, width, depth), sides = shape, patches.sides
    reach0, reach1, reach2 = patches.reach
    first, last = int(rows[0]) - reach0, int(rows[-1]) + sides[0] + reach0
    inside = torch.arange(first, last, device=pilot.device).clamp(0, pilot.shape[0] - 1)
    beyond = [reach2, depth - pilot.shape[2] + reach2, reach1, width - pilot.shape[1] + reach1]

    def padded(volume: Tensor) -> Tensor:
        return pad(volume[None], beyond, mode="replicate")[0].contiguous()

    amplitude = pilot[inside] / sigma[inside]
    unbiased = padded(noisy[inside] / sigma[inside] - (rician_mean(amplitude, 1.0, coils=noise.coils) - amplitude))
    amplitude = padded(amplitude)
    step, reach = (torch.tensor(x, device=pilot.device) for x in (amplitude.stride(), patches.reach))
    patch = (torch.cartesian_prod(*(torch.arange(side, device=pilot.device) for side in sides)) * step).sum(-1)
    # Corners of patches are within the volume: in the first axis, the slab may reach beyond it.
    lowest = [max(0, -first), reach1, reach2]
    ends = (min(last, height) - first, width + reach1, depth + reach2)
    highest = [end - side for end, side in zip(ends, sides, strict=True)]
    starts_of_blocks = (side - block for side, block in zip(sides, patches.blocks, strict=True))
    within = tuple(slice(low, high + n + 1) for low, high, n in zip(lowest, highest, starts_of_blocks, strict=True))
    block_means = avg_pool3d(amplitude[None, None], patches.blocks, stride=1)[0, 0]
    means = torch.full_like(block_means, _NEVER_SIMILAR)
    means[within] = block_means[within]
    least, most = (torch.tensor(corner, device=pilot.device) for corner in (lowest, highest))
    sums, corners = torch.zeros_like(amplitude).view(-1), torch.zeros_like(amplitude).view(-1)
    references = references_of(amplitude, patches)

    def patches_at(corners: Tensor, volume: Tensor) -> Tensor:
        voxels = corners.unsqueeze(-1) + patch
        return volume.view(-1).index_select(0, voxels.view(-1)).view_as(voxels)

    for some in references.split(_GROUPS if pilot.device.type == "cpu" else _GROUPS_ON_GPU):
        own = ((some + reach) * step).sum(-1, keepdim=True)
        members = (some.unsqueeze(1) + reach + candidates_of(means, some, patches)).clamp(least, most)
        corner = (members * step).sum(-1)
        nearby, reference = patches_at(corner, amplitude), patches_at(own, amplitude)
        distances = (nearby - reference).square_().sum(-1).masked_fill_(corner == own, -1)
        corner = corner.gather(1, nearest(distances, patches.similar))
        voxels = (corner.unsqueeze(-1) + patch).view(-1)
        estimates = patch_wiener(patches_at(corner, unbiased), patches_at(corner, amplitude), noise=noise)
        sums.scatter_add_(0, voxels, estimates.view(-1))
        corners.scatter_add_(0, corner.view(-1), torch.ones(1, device=pilot.device).expand(corner.numel()))
    # A voxel has as many estimates as patches start at it or less than a side before it.
    before = [sides[2] - 1, 0, sides[1] - 1, 0, sides[0] - 1, 0]
    starts = pad(corners.view(amplitude.shape)[None, None], before)
    number = (math.prod(sides) * avg_pool3d(starts, sides, stride=1)[0, 0]).round().to(torch.int16)
    of_slab = (
        slice(max(0, -first), min(last, height) - first),
        slice(reach1, reach1 + width),
        slice(reach2, reach2 + depth),
    )
    return slice(max(0, first), min(last, height)), sums.view(amplitude.shape)[of_slab], number[of_slab]
