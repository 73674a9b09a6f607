"""Tiles cover a volume once, on the grid of the network, with a halo on all sides."""

import math

import numpy as np
import pytest

from monai_unsup_denoise.inference.tiles import cut_tiles

SHAPES = [(180, 216, 181), (5, 7, 3), (96, 97, 8), (40, 1, 33)]


def voxels(box):
    return math.prod(side.stop - side.start for side in box)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("halo", [0, 16])
@pytest.mark.parametrize("largest", [1, 80_000, 1_000_000])
@pytest.mark.parametrize("multiple", [1, 4])
def test_cores_cover_every_voxel_once(shape, halo, largest, multiple):
    covered = np.zeros(shape, dtype=np.int8)
    for tile in cut_tiles(shape, largest, halo=halo, multiple=multiple):
        covered[tile.core] += 1
        assert covered[tile.outer][tile.inner].shape == covered[tile.core].shape
        assert voxels(tile.outer) <= max(largest, (16 + 2 * halo) ** 3)
        assert all(0 <= side.start < side.stop <= length for side, length in zip(tile.outer, shape, strict=True))
    assert (covered == 1).all()


@pytest.mark.parametrize("length", [4, 5, 7, 9, 37, 181, 217, 300])
def test_no_tile_needs_padding(length):
    for largest in (1, 50 * 8 * 8, 10**7):
        tiles = cut_tiles((length, 8, 8), largest, halo=16, multiple=4)
        assert all((tile.outer[0].stop - tile.outer[0].start) % 4 == 0 for tile in tiles)
        for tile in tiles:  # cores have their halo on both sides, or the end of the volume, or are next to the last
            assert tile.outer[0].start <= max(0, tile.core[0].start - 16) or length < 37
            assert tile.outer[0].stop >= min(length - length % 4, tile.core[0].stop + 16)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiles_start_or_end_on_the_grid_with_their_halo(shape):
    for tile in cut_tiles(shape, 120_000, halo=16):
        for core, outer, length in zip(tile.core, tile.outer, shape, strict=True):
            assert outer.stop == min(length, core.stop + 16)
            assert max(0, core.start - 16 - 7) <= outer.start <= max(0, core.start - 16)
            assert outer.start % 8 == 0 or (outer.stop == length and (outer.stop - outer.start) % 8 == 0)


def test_no_other_cut_has_fewer_voxels_to_compute():
    tiles = cut_tiles((180, 216, 180), 2**22, halo=16)
    assert [(tile.outer[1].start, tile.outer[1].stop) for tile in tiles] == [(0, 128), (96, 216)]
    assert sum(voxels(tile.outer) for tile in tiles) == 180 * 248 * 180


def test_volume_that_fits_is_one_tile():
    [tile] = cut_tiles((50, 60, 70), 50 * 60 * 70, halo=16)
    assert tile.core == tile.outer == tile.inner == (slice(0, 50), slice(0, 60), slice(0, 70))
