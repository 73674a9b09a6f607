"""Smooth random maps: how a noise level varies across a parallel-imaging or multi-coil acquisition."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch


def smooth_map(
    shape: Sequence[int],
    variation: float,
    *,
    nodes: int = 3,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """A smooth positive random map ``g(r)`` of ``shape`` (2-D or 3-D) with ``max / min <= variation``.

    A coarse grid of ``nodes`` uniform random log-gains per axis, interpolated linearly; the geometric mean of
    the range is 1, so ``g * sigma`` stays centred on ``sigma``. ``variation`` 1 gives ones.

    Raises:
        ValueError: if ``variation`` is below 1, or ``shape`` has neither 2 nor 3 entries.
    """
    if variation < 1:
        raise ValueError(f"variation is largest gain / smallest gain and at least 1, got {variation}")
    if len(shape) not in (2, 3):
        raise ValueError(f"shape must have 2 or 3 entries, got {tuple(shape)}")
    coarse = torch.rand([1, 1, *(nodes,) * len(shape)], generator=generator) - 0.5
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    coarse = coarse.to(device)
    log_gain = torch.nn.functional.interpolate(coarse, size=tuple(shape), mode=mode, align_corners=True)
    return torch.exp(log_gain[0, 0] * math.log(variation))
