"""Coarse maps: random ones, smoothing, and interpolation to the size of an image."""

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import avg_pool1d, interpolate


def smooth_map(
    shape: Sequence[int],
    variation: float,
    *,
    nodes: int = 3,
    generator: torch.Generator | None = None,
    device: torch.device | str | None = None,
) -> torch.Tensor:
    """Smooth positive random map ``g(r)`` of ``shape`` (2-D or 3-D) with ``max / min <= variation``.

    A model of spatially varying noise, ``g sigma``, as after parallel imaging or multi-coil acquisition: uniform random
    ``log g``, centred on 0, on a grid with ``nodes`` per axis, interpolated linearly.

    Raises:
        ValueError: if ``variation`` is below 1, or ``shape`` has neither 2 nor 3 entries.
    """
    if variation < 1:
        raise ValueError(f"variation is max / min of the map and must be at least 1, got {variation}")
    if len(shape) not in (2, 3):
        raise ValueError(f"shape must have 2 or 3 entries, got {tuple(shape)}")
    coarse = torch.rand([1, 1, *(nodes,) * len(shape)], generator=generator) - 0.5
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    fine = interpolate(coarse.to(device), size=tuple(shape), mode=mode, align_corners=True)
    return torch.exp(fine[0, 0] * math.log(variation))


def triangular_smooth(x: torch.Tensor, reach: list[int]) -> torch.Tensor:
    """Convolve ``x`` ``(B, K, *grid)`` along each spatial axis with a triangle, ``4 * reach + 1`` nodes wide.

    Two passes of a moving average over ``2 * reach + 1`` nodes, which shrinks at the border.
    """
    for axis in range(2, x.dim()):
        within = reach[axis - 2]
        width = 2 * within + 1
        for _ in range(2):
            flat = x.movedim(axis, -1)
            lines = flat.reshape(-1, 1, x.size(axis))
            lines = avg_pool1d(lines, width, stride=1, padding=within, count_include_pad=False)
            x = lines.view(flat.shape).movedim(-1, axis)
    return x


def upsample_to(coarse: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Interpolate ``coarse`` ``(B, K, *grid)`` linearly to ``(B, K, *spatial)``, the spatial axes of ``image``.

    A single value per image, ``(B, K)``, gets spatial axes of length 1, which broadcast.
    """
    if coarse.dim() == 2:
        return unsqueeze_like(coarse, image)
    mode = "bilinear" if image.dim() == 4 else "trilinear"
    return interpolate(coarse, size=image.shape[2:], mode=mode, align_corners=False)


def unsqueeze_like(x: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Append axes of length 1 to ``x`` until it has as many axes as ``image``."""
    for _ in range(image.dim() - x.dim()):
        x = x.unsqueeze(-1)
    return x
