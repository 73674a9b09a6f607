"""One spot or two: whether denoising blurs what lies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from monai_unsup_denoise.benchmark.trust.places import site_masks, spread
from monai_unsup_denoise.benchmark.trust.scene import Scene
from monai_unsup_denoise.benchmark.trust.spots import insert, long_spot, two_spots

DISTANCES = (3, 4, 5, 6)  # voxels of 1 mm between the centers
_RADIUS = 1.0
_RATIO = 4  # contrast to noise of each of two spots
_APART, _MARGIN = 16, 8


class Pair(NamedTuple):
    """Two spots, or one: how far apart, in voxels, and around which voxel."""

    distance: int
    center: tuple[int, int, int]


def draw_pairs(tissue: np.ndarray, rng: np.random.Generator) -> list[Pair]:
    """Pairs of spots, of every distance in turn, all over white matter; ``tissue`` has the labels of a phantom."""
    masks = {"white matter": site_masks(tissue)["white matter"]}
    places = spread(masks, apart=_APART, margin=_MARGIN, rng=rng)
    return [Pair(DISTANCES[number % len(DISTANCES)], center) for number, (_, center) in enumerate(places)]


def rayleigh_scene(name: str, clean: np.ndarray, pairs: Sequence[Pair], *, level: float, kind: str) -> Scene:
    """A scene with the variants "one" (a rod) and "two" (spots), as bright in sum and as long, at each place.

    The task of arXiv:2602.22535, where a network of higher PSNR was worse at it.
    """
    images = {"one": clean.copy(), "two": clean.copy()}
    for distance, center in pairs:
        for variant, draw in (("one", long_spot), ("two", two_spots)):
            insert(images[variant], draw(distance, _RADIUS), center, _RATIO * level / 100)
    return Scene(name, images, level, kind)
