"""Regions without noise: masked background, padding, defaced parts."""

import itertools
from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, max_pool2d, max_pool3d, pad

_AXES = (2, 3, 4)
_PATCHES = sorted({*itertools.permutations((5, 5, 1)), *itertools.permutations((25, 1, 1))})  # sides in voxels
_TOLERANCE = 1e-4  # of the mean of the voxels that differ from their neighbour
_ROUNDED = 0.1  # of the neighbours elsewhere that are equal; from there on, equal ones can come from rounding
_SURE = 0.9  # of the voxels of a value that lie in patches: no rounding makes so many
_NEAR, _SHARE = 5, 0.1  # side of a cube in voxels; from this share of one value on, its voxels are flat


def zero_background(noisy: Tensor, clean: Tensor, *, margin: int = 2) -> Tensor:
    """Set ``noisy`` to zero wherever ``clean`` is zero within ``margin`` voxels.

    Noise is never exactly zero, so a masked background carries no information about its level.

    Args:
        noisy, clean: ``(B, C, *spatial)``, 2-D or 3-D.
        margin: width of the rim around tissue that keeps its noise, in voxels.

    Raises:
        ValueError: if the images have neither two nor three spatial axes.
    """
    if noisy.dim() not in (4, 5):
        raise ValueError(f"images (B, C, *spatial) in 2-D or 3-D expected, got shape {tuple(noisy.shape)}")
    dilate = max_pool2d if noisy.dim() == 4 else max_pool3d
    return noisy * dilate((clean > 0).to(noisy.dtype), kernel_size=2 * margin + 1, stride=1, padding=margin)


def flat_regions(image: Tensor) -> Tensor:
    """Where volumes ``(B, C, H, W, D)`` are flat, as a mask of their shape: there is no noise, and nothing to denoise.

    Flat are planes of 5 by 5 voxels and lines of 25 whose neighbours are equal, up to a ten-thousandth of a typical
    voxel, and voxels near by of the most common of these values, or of 0. In a noisy scan that many neighbours are not
    equal. Where rounding makes them so, because the noise is hardly above the unit, only 0 and one evident constant
    count.
    """
    steps = [image.diff(dim=axis).abs() for axis in _AXES]
    changing = steps[0] > 0
    tolerance = _TOLERANCE * float((image[:, :, 1:] * changing).sum() / changing.sum().clamp(min=1))
    equal = [step <= tolerance for step in steps]
    flat = torch.zeros_like(image, dtype=torch.bool)
    for patch in _PATCHES:
        if all(side <= n for side, n in zip(patch, image.shape[2:], strict=True)):
            inner = [[side - (axis == other) for other, side in enumerate(patch)] for axis in range(3)]
            starts = [_starts(equal[axis], inner[axis]) for axis in range(3) if patch[axis] > 1]
            flat |= _patches(reduce(torch.logical_and, starts), patch)
    if not flat.any():
        return flat
    values = {0.0}
    if len(constants := image[flat & (image > 0)]):
        constant = float(constants.mode().values)
        # The ringing of splines in a masked background dies out: below the tolerance its neighbours are equal, too.
        if _is_rounded(equal, ~flat & (image != constant) & (image > tolerance)):
            is_one = bool((constants == constant).sum() > _SURE * (image == constant).sum())
            flat &= (image == constant if is_one else image < 0) | (image == 0)
        values |= {constant} & set(image[flat].unique().tolist())
    near = [_NEAR if side >= _NEAR else 1 for side in image.shape[2:]]
    for value in values:
        same = image == value
        share = avg_pool3d(same.float(), near, 1, [side // 2 for side in near], count_include_pad=False)
        flat |= same & (share > _SHARE)
    return flat


def _is_rounded(equal: Sequence[Tensor], inside: Tensor) -> bool:
    """Whether neighbours in a region are often equal, as in a scan whose noise is a few units or less."""
    found = counted = 0
    for axis, along in zip(_AXES, equal, strict=True):
        pairs = reduce(torch.logical_and, inside.unfold(axis, 2, 1).unbind(-1)) if along.numel() else along
        found, counted = found + int((along & pairs).sum()), counted + int(pairs.sum())
    return found > _ROUNDED * counted


def _starts(mask: Tensor, patch: Sequence[int]) -> Tensor:
    """First corners of the patches that lie in a mask."""
    for axis, side in zip(_AXES, patch, strict=True):
        mask = _along(torch.logical_and, mask, axis, side)
    return mask


def _patches(starts: Tensor, patch: Sequence[int]) -> Tensor:
    """The patches with these first corners."""
    starts = pad(starts, [side - 1 for side in reversed(patch) for _ in range(2)])
    for axis, side in zip(_AXES, patch, strict=True):
        starts = _along(torch.logical_or, starts, axis, side)
    return starts


def _along(combine: Callable[[Tensor, Tensor], Tensor], mask: Tensor, axis: int, side: int) -> Tensor:
    """``combine`` of each ``side`` neighbours along an axis, in few passes: from twos to fours to eights."""
    done = 1
    while done < side:
        step = min(done, side - done)
        length = mask.shape[axis] - step
        mask, done = combine(mask.narrow(axis, 0, length), mask.narrow(axis, step, length)), done + step
    return mask
