"""Smoothing of coarse maps."""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool1d


def triangular_smooth(x: torch.Tensor, reach: list[int]) -> torch.Tensor:
    """Mean over ``2 * reach + 1`` nodes along each spatial axis of ``x`` ``(B, K, *grid)``, twice: a triangular kernel.

    Near the border it is over what there is; a reach beyond the axis is cut down to it.
    """
    for axis in range(2, x.dim()):
        within = min(reach[axis - 2], x.size(axis) - 1)
        for _ in range(2):
            flat = x.movedim(axis, -1)
            lines = avg_pool1d(
                flat.reshape(-1, 1, x.size(axis)),
                2 * within + 1,
                stride=1,
                padding=within,
                count_include_pad=False,
            )
            x = lines.view(flat.shape).movedim(-1, axis)
    return x
