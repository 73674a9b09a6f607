"""Around the brain: dura, skull with marrow, and the soft tissue of scalp, face and neck.

All functions change tissue fractions ``(7, *spatial)`` in place. Lengths are in mm. The grid's ``rng`` draws thickness
and composition of the layers.
"""

import numpy as np
import torch
from torch import Tensor

from monai_unsup_denoise.data.phantom.contrast import AIR, BONE, CSF, FAT, MUSCLE
from monai_unsup_denoise.data.phantom.fields import Detail, Grid, coverage


def add_dura(fractions: Tensor, height: Tensor, grid: Grid, *, edge: float) -> None:
    """Replace the outermost 0.3 to 1.2 mm of CSF by dura, with the signal of muscle.

    ``height`` ``(*spatial)`` is above the inner surface of the skull.
    """
    moved = fractions[CSF] * coverage(height + grid.rng.uniform(0.3, 1.2), width=edge)
    fractions[CSF] -= moved
    fractions[MUSCLE] += moved


def fill_skull(fractions: Tensor, skull: Tensor, height: Tensor, thickness: Tensor, grid: Grid, detail: Detail) -> None:
    """Fill the skull: inner and outer table of compact bone, with patchy marrow of fat and water between them.

    ``skull`` is its fraction of each voxel, ``height`` as for ``add_dura``, ``thickness`` that of the skull.
    """
    (fine, coarse, edge), rng = detail, grid.rng
    middle = rng.uniform(0.4, 0.6) * thickness
    half_width = rng.uniform(0.3, 2.4) + 0.6 * fine + 0.6 * coarse
    marrow = coverage(half_width - (height - middle).abs(), width=edge) * skull
    marrow *= rng.uniform(0.2, 1.0) * (0.8 + 0.2 * fine).clamp(0, 1)
    fat = rng.uniform(0.3, 1.0)
    fractions[FAT] += fat * marrow
    fractions[MUSCLE] += (1 - fat) * marrow
    fractions[BONE] += skull - marrow


def fill_soft_tissue(fractions: Tensor, depth: Tensor, grid: Grid, detail: Detail) -> None:
    """Fill the rest: skin, fat and other layers, then muscle with streaks of fat, bone and air pockets.

    ``depth`` is below the surface of the head.
    """
    (fine, coarse, edge), rng = detail, grid.rng
    rest = (1 - fractions.sum(0)).clamp_(min=0)
    bulk = grid.noise(12)
    streak = coverage(rng.uniform(0.5, 1.2) - grid.distance(bulk).abs_(), width=edge)
    pad = coverage(grid.distance(fine + bulk - rng.uniform(0.9, 1.6)), width=edge)
    below = coverage(depth - rng.uniform(6, 12) - 2 * coarse, width=4.0)
    fat, dark = _layers(depth, detail, rng)
    fat = torch.lerp(fat, torch.maximum(streak, pad), below)
    dark *= 1 - below
    deep = coverage(depth - 14.0, width=8.0)
    hard = coverage(grid.distance(coarse - bulk - rng.uniform(0.8, 1.6)), width=edge) * deep
    air = coverage(grid.distance(coarse + bulk - rng.uniform(1.6, 2.6)), width=edge) * deep
    for tissue, part in ((AIR, air), (BONE, torch.maximum(hard, dark)), (FAT, fat)):
        taken = rest * part
        fractions[tissue] += taken
        rest -= taken
    fractions[MUSCLE] += rest


def _layers(depth: Tensor, detail: Detail, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Layers of the scalp: fraction of fat, and fraction without signal (fibres, chemical shift), at each depth.

    Skin, subcutaneous fat, and four layers (galea, loose tissue, muscle, periosteum) of random composition. Thickness
    varies along the surface and over a wide range. Few layers exceed two voxels, and thin ones appear fainter.
    """
    fine, coarse, edge = detail
    place = (depth - 0.4 * fine.clamp(-1.5, 1.5)) / (1 + 0.35 * coarse.clamp(-1.5, 1.5))
    thickness = np.exp(rng.uniform(np.log([0.8, 0.7, *[0.6] * 4]), np.log([3.0, 5.0, *[3.0] * 4])))
    fat = np.array([rng.uniform(0, 0.2), rng.uniform(0.4, 1.0), *rng.beta(0.5, 0.7, 4)])
    dark = np.array([0.0, 0.0, *rng.beta(0.3, 1.0, 4)])
    fraction, without_signal = torch.full_like(depth, fat[0]), torch.zeros_like(depth)
    for bottom, fat_step, dark_step in zip(np.cumsum(thickness), np.diff(fat), np.diff(dark), strict=False):
        reached = coverage(place - float(bottom), width=edge)
        fraction += float(fat_step) * reached
        without_signal += float(dark_step) * reached
    return fraction.mul_(1 + 0.15 * fine.clamp(-2, 0)).clamp_(0, 1), without_signal.clamp_(0, 1)
