"""What covers the brain, besides: dura, skull with its marrow, and the soft tissue of scalp, face and neck."""

import numpy as np
import torch
from torch import Tensor

from monai_unsup_denoise.data.phantom.contrast import AIR, BONE, CSF, FAT, MUSCLE
from monai_unsup_denoise.data.phantom.fields import coverage, signed_distance, smooth_noise


def add_dura(fractions: Tensor, above_brain: Tensor, rng: np.random.Generator, *, edge: float) -> None:
    """Turn the outermost 0.3 to 1.2 mm of CSF into dura, which gives a signal like muscle.

    Args:
        fractions: `(7, *spatial)`, changed in place.
        above_brain: height (mm) above the inside of the skull, negative inside, `(*spatial)`.
        rng: draws the thickness.
        edge: width of an edge, mm.
    """
    moved = fractions[CSF] * coverage(above_brain + rng.uniform(0.3, 1.2), width=edge)
    fractions[CSF] -= moved
    fractions[MUSCLE] += moved


def fill_skull(
    fractions: Tensor,
    skull: Tensor,
    height: Tensor,
    thickness: Tensor,
    fields: tuple[Tensor, Tensor],
    rng: np.random.Generator,
    *,
    edge: float,
) -> None:
    """Fill the skull: an inner and an outer table of compact bone, between them marrow of fat and water in patches.

    Args:
        fractions: `(7, *spatial)`, changed in place.
        skull: part of each voxel that is skull, `(*spatial)`.
        height: above the inside of the skull, mm.
        thickness: of the skull, mm.
        fields: smooth noise, a fine and a coarse one.
        rng: draws thickness and kind of the marrow.
        edge: width of an edge, mm.
    """
    fine, coarse = fields
    middle = rng.uniform(0.4, 0.6) * thickness
    half_width = rng.uniform(0.3, 2.4) + 0.6 * fine + 0.6 * coarse
    marrow = coverage(half_width - (height - middle).abs(), width=edge) * skull
    marrow *= rng.uniform(0.2, 1.0) * (0.8 + 0.2 * fine).clamp(0, 1)
    fat = rng.uniform(0.3, 1.0)
    fractions[FAT] += fat * marrow
    fractions[MUSCLE] += (1 - fat) * marrow
    fractions[BONE] += skull - marrow


def fill_soft_tissue(
    fractions: Tensor,
    depth: Tensor,
    fields: tuple[Tensor, Tensor],
    rng: np.random.Generator,
    *,
    edge: float,
    spacing: float,
) -> None:
    """Fill the rest: skin, fat and further layers below it, then muscle with streaks of fat, bones and air pockets.

    Args:
        fractions: `(7, *spatial)`, changed in place.
        depth: below the surface of the head, mm.
        fields: smooth noise, a fine and a coarse one.
        rng: draws everything.
        edge: width of an edge, mm.
        spacing: of the voxels, mm.
    """
    fine, coarse = fields
    rest = (1 - fractions.sum(0)).clamp_(min=0)
    bulk = smooth_noise(rng, tuple(depth.shape), scale=12 / spacing)
    streak = coverage(rng.uniform(0.5, 1.2) - signed_distance(bulk).abs_().mul_(spacing), width=edge)
    pad = coverage(signed_distance(fine + bulk - rng.uniform(0.9, 1.6)).mul_(spacing), width=edge)
    below = coverage(depth - rng.uniform(6, 12) - 2 * coarse, width=4.0)
    fat, dark = _layers(depth, fields, rng, edge=edge)
    fat = torch.lerp(fat, torch.maximum(streak, pad), below)
    dark *= 1 - below
    deep = coverage(depth - 14.0, width=8.0)
    hard = coverage(signed_distance(coarse - bulk - rng.uniform(0.8, 1.6)).mul_(spacing), width=edge) * deep
    air = coverage(signed_distance(coarse + bulk - rng.uniform(1.6, 2.6)).mul_(spacing), width=edge) * deep
    for tissue, part in ((AIR, air), (BONE, torch.maximum(hard, dark)), (FAT, fat)):
        taken = rest * part
        fractions[tissue] += taken
        rest -= taken
    fractions[MUSCLE] += rest


def _layers(
    depth: Tensor, fields: tuple[Tensor, Tensor], rng: np.random.Generator, *, edge: float
) -> tuple[Tensor, Tensor]:
    """Scalp as layers: part that is fat, and part without signal (fibres, a chemical shift's gap), by depth.

    Skin, then fat under it, then four more layers (galea, loose tissue, muscle, periosteum) of any kind. Their
    thickness varies along the surface, and is drawn over a wide range: few layers of a scalp are thicker than two
    voxels, and a thin one looks fainter than it is.
    """
    fine, coarse = fields
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
