"""Cut a volume into tiles that can be computed one by one, without seams."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[slice, ...]

_GRID = 8  # tiles start at its multiples: a network that halves the resolution up to three times sees the same grid


@dataclass(frozen=True)
class Tile:
    """A part of a volume.

    Attributes:
        core: the voxels whose result is kept; the cores of all tiles cover the volume once.
        outer: the core with its halo, as far as the volume reaches: the voxels to compute.
        inner: the core within ``outer``.
    """

    core: Box
    outer: Box
    inner: Box


def cut_tiles(shape: Sequence[int], sides: Sequence[int], *, halo: int) -> list[Tile]:
    """Tiles of about the same size.

    With a halo as wide as what a result depends on, the results of the tiles are those of the whole volume. Where an
    axis does not end on the grid, its last tile reaches further back, so that it needs no padding.

    Args:
        shape: of the volume, in voxels.
        sides: longest sides of a core, in voxels; rounded up to multiples of 8.
        halo: voxels to compute around a core; rounded up to a multiple of 8.
    """
    axes = [_cut_axis(length, _on_grid(side), _on_grid(halo)) for length, side in zip(shape, sides, strict=True)]
    return [Tile(*zip(*pieces, strict=True)) for pieces in itertools.product(*axes)]


def _cut_axis(length: int, longest: int, halo: int) -> list[tuple[slice, slice, slice]]:
    """Core, outer and inner slices along one axis."""
    side = _on_grid(-(-length // -(-length // longest)))
    pieces = []
    for start in range(0, length, side):
        stop = min(start + side, length)
        first, last = max(0, start - halo), min(length, stop + halo)
        if first > 0 and last == length:
            first = max(0, last - _on_grid(last - first))
        pieces.append((slice(start, stop), slice(first, last), slice(start - first, stop - first)))
    return pieces


def _on_grid(length: int) -> int:
    return -(-length // _GRID) * _GRID
