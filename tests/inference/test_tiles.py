"""Tiles cover a volume once, on the grid of the network, with a halo on all sides."""

import numpy as np
import pytest

from monai_unsup_denoise.inference.tiles import cut_tiles

SHAPES = [(180, 216, 181), (5, 7, 3), (96, 97, 8), (40, 1, 33)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("halo", [0, 16])
def test_cores_cover_every_voxel_once(shape, halo):
    covered = np.zeros(shape, dtype=int)
    for tile in cut_tiles(shape, (32, 96, 40), halo=halo):
        covered[tile.core] += 1
        assert covered[tile.outer][tile.inner].shape == covered[tile.core].shape
    assert (covered == 1).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_tiles_start_or_end_on_the_grid_with_their_halo(shape):
    sides = (32, 96, 40)
    for tile in cut_tiles(shape, sides, halo=16):
        for core, outer, length, longest in zip(tile.core, tile.outer, shape, sides, strict=True):
            assert core.stop - core.start <= longest
            assert outer.stop == min(length, core.stop + 16)
            assert max(0, core.start - 16 - 7) <= outer.start <= max(0, core.start - 16)
            assert outer.start % 8 == 0 or (outer.stop == length and (outer.stop - outer.start) % 8 == 0)


def test_tiles_are_about_the_same_size():
    sides = {tile.core[0].stop - tile.core[0].start for tile in cut_tiles((200, 8, 8), (96, 96, 96), halo=16)}
    assert sides == {72, 56}
