"""Smooth random fields and level sets, the building blocks of the anatomy."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


class Grid(NamedTuple):
    """The voxels of one subject, and what draws it. Lengths are in mm."""

    rng: np.random.Generator
    shape: tuple[int, ...]
    spacing: float

    def noise(self, scale: float) -> Tensor:
        """``smooth_noise`` with a correlation length of ``scale``."""
        return smooth_noise(self.rng, self.shape, scale=scale / self.spacing)

    def distance(self, level_set: Tensor) -> Tensor:
        """``signed_distance`` to the zero set of ``level_set``."""
        return signed_distance(level_set).mul_(self.spacing)


class Detail(NamedTuple):
    """Individual detail of one subject: fine and coarse smooth noise, and the width of borders in mm."""

    fine: Tensor
    coarse: Tensor
    edge: float


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], *, scale: float) -> Tensor:
    """Gaussian random field with zero mean, about unit variance and a correlation length of ``scale`` voxels.

    White noise on a grid of spacing ``scale / 2``, blurred by a binomial kernel and interpolated linearly; float32.
    """
    step = max(scale / 2, 1.0)
    coarse = [int(np.ceil(n / step)) + 5 for n in shape]
    noise = torch.from_numpy(rng.standard_normal(coarse, dtype=np.float32))
    for _ in range(2):
        for axis in range(3):
            n = noise.shape[axis] - 2
            blurred = noise.narrow(axis, 0, n) + noise.narrow(axis, 2, n)
            noise = blurred.add_(noise.narrow(axis, 1, n), alpha=2)
    noise.sub_(noise.mean()).div_(noise.std())
    if step == 1.0:
        return noise[: shape[0], : shape[1], : shape[2]]
    return F.interpolate(noise[None, None], size=shape, mode="trilinear", align_corners=True)[0, 0]


def signed_distance(level_set: Tensor) -> Tensor:
    """First-order distance ``f / |grad f|`` to the zero set of a smooth ``f``, in voxels, with the sign of ``f``."""
    squared = torch.zeros_like(level_set)
    for axis in range(level_set.ndim):
        n = level_set.shape[axis]
        inner = (level_set.narrow(axis, 2, n - 2) - level_set.narrow(axis, 0, n - 2)).mul_(0.5)
        squared.narrow(axis, 1, n - 2).add_(inner.square_())
    return level_set / squared.sqrt_().add_(1e-3)


def coverage(distance: Tensor, *, width: float = 1.0) -> Tensor:
    """Fraction of a voxel on the positive side of a surface: 0 to 1 over ``width``, in units of the distance."""
    return (distance / width).add_(0.5).clamp_(0.0, 1.0)
