"""Cut a volume into tiles that can be computed one by one, without seams."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

Box = tuple[slice, ...]
_Piece = tuple[slice, slice, slice]

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


def cut_tiles(shape: Sequence[int], largest: int, *, halo: int, multiple: int = 1) -> list[Tile]:
    """The tiles of at most ``largest`` voxels that have the fewest voxels to compute together.

    With a halo as wide as what a result depends on, the results of the tiles are those of the whole volume. Where the
    length of an axis is no multiple, its last tile reaches further back, so that it needs no padding: next to padding a
    network denoises less.

    Args:
        shape: of the volume, in voxels.
        largest: voxels of a tile with its halo. If not even a core of 8 voxels along each axis fits, that is the tile.
        halo: voxels to compute around a core; rounded up to a multiple of 8.
        multiple: of which the sides of tiles are that need no padding, a divisor of 8; shorter axes need it.
    """
    ways = [_ways_to_cut(length, _on_grid(halo), multiple) for length in shape]
    fitting = [cuts for cuts in itertools.product(*ways) if math.prod(map(_longest, cuts)) <= largest]
    best = min(fitting or [tuple(cuts[-1] for cuts in ways)], key=lambda cuts: math.prod(map(_computed, cuts)))
    return [Tile(*zip(*pieces, strict=True)) for pieces in itertools.product(*best)]


def _ways_to_cut(length: int, halo: int, multiple: int) -> list[list[_Piece]]:
    """The pieces along one axis, for each length that a core can have, longest first."""
    sides = {_on_grid(-(-length // count)) for count in range(1, -(-length // _GRID) + 1)}
    return [_cut_axis(length, side, halo, multiple) for side in sorted(sides, reverse=True)]


def _cut_axis(length: int, side: int, halo: int, multiple: int) -> list[_Piece]:
    """Core, outer and inner slices along one axis."""
    whole = length - length % multiple or length
    # What is left over at the end is computed with voxels before it; the others end where the last one begins.
    rest = max(whole - halo, length - whole) if whole < length else length
    pieces = []
    for start in range(0, rest, side):
        stop = min(start + side, whole)
        first, last = max(0, start - halo), min(whole, stop + halo)
        if first > 0 and last == whole:
            first = max(0, last - _on_grid(last - first))
        stop = min(stop, rest)
        pieces.append((slice(start, stop), slice(first, last), slice(start - first, stop - first)))
    if rest < length:
        first = length - min(whole, _on_grid(length - rest + halo))
        pieces.append((slice(rest, length), slice(first, length), slice(rest - first, length - first)))
    return pieces


def _longest(pieces: list[_Piece]) -> int:
    return max(outer.stop - outer.start for _, outer, _ in pieces)


def _computed(pieces: list[_Piece]) -> int:
    return sum(outer.stop - outer.start for _, outer, _ in pieces)


def _on_grid(length: int) -> int:
    return -(-length // _GRID) * _GRID
