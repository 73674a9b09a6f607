"""Lesions before and after denoising: contrast, size, and how well they are detected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monai_unsup_denoise.benchmark.trust.places import site_masks, spread
from monai_unsup_denoise.benchmark.trust.scene import Scene
from monai_unsup_denoise.benchmark.trust.spots import blob, insert, sphere

DIAMETERS = (2, 4, 8)  # voxels of 1 mm
RATIOS = (1, 3, 8)  # contrast to noise
_APART = 16  # voxels between centers along some axis: no lesion reaches into what the observer sees of another
_SIDE = 17  # voxels: what the observer sees
_CORE = 0.5  # share of a voxel that a lesion fills, from which the voxel is its core


@dataclass(frozen=True)
class Lesion:
    """A lesion in a scene: where, how large (voxels), in what contrast to the noise, and its share of each voxel."""

    site: str
    center: tuple[int, int, int]
    diameter: int
    ratio: int
    spot: np.ndarray


def draw_lesions(tissue: np.ndarray, rng: np.random.Generator) -> list[Lesion]:
    """As many lesions of each diameter and contrast, half of them irregular, all over a head.

    ``tissue`` has the labels of a phantom with isotropic voxels of 1 mm.
    """
    kinds = [(diameter, ratio) for diameter in DIAMETERS for ratio in RATIOS]
    places = spread(site_masks(tissue), apart=_APART, margin=_SIDE // 2, rng=rng)
    order = rng.permutation(np.arange(len(places)) % len(kinds))  # since the sites take turns, too
    lesions = []
    for number, ((site, center), kind) in enumerate(zip(places, order, strict=True)):
        diameter, ratio = kinds[kind]
        is_round = number % 2 == 0
        spot = sphere(diameter / 2) if is_round else blob(diameter / 2, rng)
        lesions.append(Lesion(site, center, diameter, ratio, spot))
    return lesions


def lesion_scene(name: str, clean: np.ndarray, lesions: Sequence[Lesion], *, level: float, kind: str) -> Scene:
    """A scene with the variants "without" and "with" lesions, which are brighter than tissue."""
    ill = clean.copy()
    for lesion in lesions:
        insert(ill, lesion.spot, lesion.center, lesion.ratio * level / 100)
    return Scene(name, {"without": clean, "with": ill}, level, kind)


def measure_lesions(
    scene: Scene, denoised: Mapping[str, np.ndarray], lesions: Sequence[Lesion]
) -> list[dict[str, float | str]]:
    """One row for each lesion: what it is, and the share of its contrast and of its size that is left.

    Contrast: the change by the lesion, over the voxels that it fills by more than half. Size: the number of voxels
    with more than half of the largest change. Both relative to the change in the clean volume.
    """
    truth = scene.images["with"] - scene.images["without"]
    found = denoised["with"] - denoised["without"]
    rows: list[dict[str, float | str]] = []
    for lesion in lesions:
        region = around(lesion.center)
        before, after = truth[region], found[region]
        core = before > _CORE * before.max()
        size = np.count_nonzero(after > 0.5 * after.max()) / np.count_nonzero(core)
        rows.append(
            {
                "site": lesion.site,
                "diameter": lesion.diameter,
                "ratio": lesion.ratio,
                "contrast": float(after[core].mean() / before[core].mean()),
                "size": float(size),
            }
        )
    return rows


def around(center: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    """The cube that the observer sees around a voxel."""
    x, y, z = (slice(c - _SIDE // 2, c + _SIDE // 2 + 1) for c in center)
    return x, y, z
