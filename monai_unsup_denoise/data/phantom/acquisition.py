"""Scanning a subject: contrast, slice axis and thickness, field of view."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from monai_unsup_denoise.data.phantom.contrast import AIR, BONE, CONTRASTS, FAT, MUSCLE, TISSUES, Relaxation
from monai_unsup_denoise.data.phantom.fields import Grid


class Scan(NamedTuple):
    """A noise-free magnitude volume, its tissue labels (indices into ``TISSUES``) and their affine."""

    image: np.ndarray
    tissue: np.ndarray
    affine: np.ndarray


def acquire(
    fractions: Tensor,
    affine: np.ndarray,
    tissue: Relaxation,
    *,
    contrast: str,
    axis: int,
    thickness: int,
    rng: np.random.Generator,
) -> Scan:
    """Scan a subject.

        image = scale * bias * mean over the slice of sum_t f_t S_t (1 + a_t texture)

    ``S`` is given by the signal equation. Slices are means over ``thickness`` voxels, stacked along the last axis. Air
    has no signal: outside the tissue the image is exactly 0.

    ``fractions`` ``(7, *spatial)`` and their ``affine`` are those of ``draw_anatomy``, with the slice axis ``axis``.
    ``rng`` draws sequence parameters, fat suppression, field of view, texture, bias and scale.
    """
    signal = CONTRASTS[contrast](tissue, rng)
    if rng.random() < 0.3:
        signal[FAT] *= rng.uniform(0.15, 0.7)  # incomplete fat saturation or water excitation
    spacing = float(abs(affine[0, 0]))
    box = _field_of_view(fractions[AIR], rng, spacing=spacing)
    fractions = fractions[(slice(None), *box)]
    grid = Grid(rng, tuple(fractions.shape[1:]), spacing)
    image = torch.tensordot(torch.from_numpy(signal).float(), fractions, dims=1)
    image += _texture(fractions, signal, grid)
    bias = rng.uniform(0, 0.2) * float(rng.random() < 0.5)
    if bias:
        image *= torch.exp(bias / 2 * grid.noise(100).clamp_(-2, 2))
    image *= np.exp(rng.uniform(np.log(200), np.log(4000))) / signal.max()

    order = [*(a for a in range(3) if a != axis), axis]
    image = _thick_slices(image.permute(order)[None], thickness)[0]
    labels = largest(_thick_slices(fractions.permute([0, *(1 + a for a in order)]), thickness))
    return Scan(image.numpy(), labels.numpy(), _scan_affine(affine, box, order, thickness))


def largest(fractions: Tensor) -> Tensor:
    """``fractions.argmax(0)`` as uint8 (the first of equal maxima), five times as fast."""
    most = fractions[0].clone()
    index = torch.zeros(most.shape, dtype=torch.uint8)
    for number, fraction in enumerate(fractions[1:], start=1):
        index.masked_fill_(fraction > most, number)
        torch.maximum(most, fraction, out=most)
    return index


def _field_of_view(air: Tensor, rng: np.random.Generator, *, spacing: float) -> tuple[slice, ...]:
    """Bounding box of the head with margins of 3 to 20 mm, limited to the grid."""
    box = []
    for axis in range(3):
        others = [a for a in range(3) if a != axis]
        inside = torch.nonzero(air.amin(others) < 0.5)[:, 0]
        low, high = rng.uniform(3, 20, 2) / spacing
        start = max(int(inside[0] - low), 0)
        box.append(slice(start, min(int(inside[-1] + high) + 1, air.shape[axis])))
    return tuple(box)


def _texture(fractions: Tensor, signal: np.ndarray, grid: Grid) -> Tensor:
    """Texture of the tissues: ``sum_t f_t S_t a_t`` times smooth noise of 2 mm and 10 mm.

    It mostly darkens, so that the maximum of the volume stays near the signal of the brightest tissue. The amplitudes
    ``a_t`` span more than a decade, from nearly flat tissue to fibrous muscle.
    """
    amplitude = _log_uniform(grid.rng, 0.001, 0.03, len(TISSUES))
    amplitude[[FAT, MUSCLE, BONE]] = _log_uniform(grid.rng, 0.005, 0.15, 3)
    noise = 0.7 * grid.noise(2) + 0.7 * grid.noise(10)
    strength = torch.from_numpy(signal * amplitude).float()
    return torch.tensordot(strength, fractions, dims=1).mul_(noise.sub_(0.5).clamp_(-2.0, 0.5))


def _log_uniform(rng: np.random.Generator, low: float, high: float, size: int) -> np.ndarray:
    return np.exp(rng.uniform(np.log(low), np.log(high), size))


def _thick_slices(volume: Tensor, thickness: int) -> Tensor:
    """Average blocks of ``thickness`` along the last axis of ``(C, *spatial)``; an incomplete block is dropped."""
    if thickness == 1:
        return volume
    count = volume.shape[-1] // thickness
    return volume[..., : count * thickness].unflatten(-1, (count, thickness)).mean(-1)


def _scan_affine(affine: np.ndarray, box: tuple[slice, ...], order: list[int], thickness: int) -> np.ndarray:
    """Affine after cropping to ``box``, reordering the axes and averaging slices."""
    to_grid = np.zeros((4, 4))
    to_grid[3, 3] = 1.0
    for new, old in enumerate(order):
        to_grid[old, new] = 1.0
        to_grid[old, 3] = box[old].start
    to_grid[order[2], 2] = thickness
    to_grid[order[2], 3] += (thickness - 1) / 2
    return affine @ to_grid
