"""Samples with and without added noise: training on true pairs, the upper bound for unpaired training."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from monai_unsup_denoise.data.seeded_dataset import (
    SeededDataset,
    apply_seeded,
    as_compose,
    as_plain_tensor,
    plain_item,
)


class PairedDataset(SeededDataset):
    """Random clean samples, each with a corrupted copy.

    Items have ``noisy`` and ``clean``, float32 ``(C, *spatial)``, and ``sigma`` if ``noise`` records it.

    Args:
        data: datalist of clean volumes, key "image".
        transform: random transform of a loaded item, such as a crop. It must not write into its input.
        noise: random transform of the transformed item, such as ``RandRiciand``. It must not write into its input.
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
        return plain_item(apply_seeded(self._noise, sample, rng, name="noise"), clean)
