"""Unpaired noisy and clean samples."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from monai_unsup_denoise.data.seeded_dataset import SeededDataset, as_plain_tensor, plain_item


class UnpairedDataset(SeededDataset):
    """Random noisy samples, each with an independent random clean sample.

    Items have ``noisy`` and ``clean``, float32 ``(C, *spatial)``, and ``sigma`` if ``noisy_transform`` records it, for
    monitoring.

    The transforms must not write into their input.

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
        return plain_item(noisy, as_plain_tensor(clean["image"]))
