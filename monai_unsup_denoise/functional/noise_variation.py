"""How much a noise level differs over the tissue of a volume, and which one is typical of it."""

from __future__ import annotations

import torch
from torch.nn.functional import adaptive_avg_pool3d


def log_sigma_rms(sigma_map: torch.Tensor, sigma: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """By how much one noise level is wrong: root mean square of ``log(sigma_map / sigma)`` over tissue, ``(B,)``.

    0 for noise that is the same everywhere; 0.2 for a level that rises evenly by a factor of two across the tissue,
    about whose middle ``sigma`` is; 0 where there is no tissue.

    Args:
        sigma_map: coarse map ``(B, *grid)``, positive.
        sigma: one level for each volume, ``(B,)``, positive.
        image: the volumes, ``(B, 1, H, W, D)``.
    """
    of_one = sigma.reshape(-1, 1, 1, 1)
    tissue = _is_tissue(image, sigma_map)
    squares = (sigma_map / of_one).log().square() * tissue
    return (squares.flatten(1).sum(1) / tissue.flatten(1).sum(1).clamp(min=1)).sqrt()


def median_tissue_sigma(sigma_map: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Median ``(B,)`` of a coarse map ``(B, *grid)`` over the tissue of ``image`` ``(B, 1, H, W, D)``; where there is
    none, over all of it."""
    tissue = _is_tissue(image, sigma_map)
    levels = [of_one[where] if where.any() else of_one for of_one, where in zip(sigma_map, tissue, strict=True)]
    return torch.stack([level.median() for level in levels])


def _is_tissue(image: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Nodes of a grid ``(B, *grid)`` that are brighter than the mean of the voxels that are not masked to zero."""
    height, width, depth = grid.shape[1:]
    near = adaptive_avg_pool3d(image, (height, width, depth))[:, 0]
    measured = (image > 0).flatten(1).sum(1).clamp(min=1)
    mean = image.flatten(1).sum(1) / measured
    return near > mean.reshape(-1, 1, 1, 1)
