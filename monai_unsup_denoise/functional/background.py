"""Regions without noise: masked background, padding, defaced parts."""

import itertools
from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, max_pool2d, max_pool3d, pad

_AXES = (2, 3, 4)
_PATCHES = sorted({*itertools.permutations((5, 5, 1)), *itertools.permutations((25, 1, 1))})  # sides in voxels
_TOLERANCE = 1e-3  # of the mean of the voxels that differ from their neighbour
_NEAR, _SHARE = 5, 0.3  # side of a cube in voxels; from this share of one value on, its voxels are flat


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

    Flat are planes of 5 by 5 voxels and lines of 25 whose neighbours are equal, up to a thousandth of a typical voxel,
    and voxels near by of the most common of these values, or of 0. In a noisy scan, also one that is rounded to
    integers, that many neighbours are not equal: if the standard deviation is half the unit, one patch in ten thousand.
    """
    steps = [image.diff(dim=axis).abs() for axis in _AXES]
    changing = image[:, :, 1:][steps[0] > 0]
    tolerance = _TOLERANCE * float(changing.mean()) if len(changing) else 0.0
    equal = [step <= tolerance for step in steps]
    flat = torch.zeros_like(image, dtype=torch.bool)
    for patch in _PATCHES:
        if all(side <= n for side, n in zip(patch, image.shape[2:], strict=True)):
            inner = [[side - (axis == other) for other, side in enumerate(patch)] for axis in range(3)]
            starts = [_starts(equal[axis], inner[axis]) for axis in range(3) if patch[axis] > 1]
            flat |= _patches(reduce(torch.logical_and, starts), patch)
    if not flat.any():
        return flat
    constants = image[flat & (image > 0)]
    values = {0.0, float(constants.mode().values)} if len(constants) else {0.0}
    near = [_NEAR if side >= _NEAR else 1 for side in image.shape[2:]]
    for value in values:
        constant = (image - value).abs() <= tolerance
        share = avg_pool3d(constant.float(), near, 1, [side // 2 for side in near], count_include_pad=False)
        flat |= constant & (share > _SHARE)
    return flat


def _starts(mask: Tensor, patch: Sequence[int]) -> Tensor:
    """First corners of the patches that lie in a mask."""
    for axis, side in zip(_AXES, patch, strict=True):
        mask = reduce(torch.logical_and, mask.unfold(axis, side, 1).unbind(-1))
    return mask


def _patches(starts: Tensor, patch: Sequence[int]) -> Tensor:
    """The patches with these first corners."""
    starts = pad(starts, [side - 1 for side in reversed(patch) for _ in range(2)])
    for axis, side in zip(_AXES, patch, strict=True):
        starts = reduce(torch.logical_or, starts.unfold(axis, side, 1).unbind(-1))
    return starts
