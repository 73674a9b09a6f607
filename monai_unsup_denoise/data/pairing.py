"""Datasets of noisy and clean samples: unpaired, and paired as the upper bound for unpaired training.

Items have ``noisy`` and ``clean``, float32 ``(C, *spatial)``, and ``sigma`` where the noise transform records it. No
transform may write into its input.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from monai_unsup_denoise.data.seeded_dataset import SeededDataset, apply_seeded, as_compose, as_plain_tensor


class UnpairedDataset(SeededDataset):
    """Random noisy samples, each with an independent random clean sample.

    Args:
        data: datalist of noisy volumes (low domain), key "image".
        clean_data: datalist of clean volumes (high domain), key "image".
        noisy_transform: random transform of a loaded noisy item: crop, flip, corruption of a clean stand-in.
        clean_transform: random transform of a loaded clean item.
        length: items per epoch; None for the longer of the two datalists.
        options: ``load``, ``seed`` and others of ``SeededDataset``.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        clean_data: Sequence[Mapping[str, Any]],
        *,
        noisy_transform: Callable,
        clean_transform: Callable,
        length: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(data, length=max(len(data), len(clean_data), 1) if length is None else length, **options)
        self._draw_noisy = self._sampler(data, "data", noisy_transform)
        self._draw_clean = self._sampler(clean_data, "clean_data", clean_transform)

    def _draw(self, rng: np.random.RandomState) -> dict[str, Tensor]:
        noisy, clean = self._draw_noisy(rng), self._draw_clean(rng)
        return _plain_item(noisy, as_plain_tensor(clean["image"]))


class PairedDataset(SeededDataset):
    """Random clean samples, each with a corrupted copy.

    Args:
        data: datalist of clean volumes, key "image".
        transform: random transform of a loaded item, such as a crop.
        noise: random transform of the transformed item, such as ``RandRiciand``.
        options: ``load``, ``seed``, ``length`` and others of ``SeededDataset``.
    """

    def __init__(
        self, data: Sequence[Mapping[str, Any]], *, transform: Callable, noise: Callable, **options: Any
    ) -> None:
        super().__init__(data, **options)
        self._draw_clean = self._sampler(data, "data", transform)
        self._noise = as_compose(noise)

    def _draw(self, rng: np.random.RandomState) -> dict[str, Tensor]:
        sample = self._draw_clean(rng)
        clean = as_plain_tensor(sample["image"])
        return _plain_item(apply_seeded(self._noise, sample, rng, name="noise"), clean)


def _plain_item(noisy: Mapping[str, Any], clean: Tensor) -> dict[str, Tensor]:
    item = {"noisy": as_plain_tensor(noisy["image"]), "clean": clean}
    if "sigma" in noisy:
        item["sigma"] = as_plain_tensor(noisy["sigma"])
    return item
