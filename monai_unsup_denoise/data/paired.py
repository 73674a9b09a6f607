"""Samples with their own noise added: training on true pairs, the upper bound for training without."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from monai.transforms import Compose
from torch import Tensor

from monai_unsup_denoise.data.seeded_dataset import CachedVolumes, SeededDataset, apply_seeded, as_plain_tensor


class PairedDataset(SeededDataset):
    """A random clean sample and the same sample corrupted, drawn anew each epoch as `UnpairedDataset` draws.

    Args:
        data: datalist of clean volumes, key "image"; also `.data`.
        load: deterministic transform, applied once to every item; its result is kept in memory.
        transform: random transform of a loaded item: crop, flip.
        noise: random transform of the transformed item, for example `RandRiciand`. It must not write into the
            tensor it gets, which is the clean sample.
        seed: of all draws.
        length: items in an epoch; None for as many as volumes.
        num_workers: threads that load.
        progress: show a progress bar while loading.

    Returns (per item):
        `noisy` and `clean`, float32 `(C, *spatial)`; and `sigma` where `noise` recorded it.

    Raises:
        ValueError: for an empty datalist, an item without "image", or a transform that gives several samples.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        *,
        load: Callable,
        transform: Callable,
        noise: Callable,
        seed: int = 0,
        length: int | None = None,
        num_workers: int = 1,
        progress: bool = True,
    ) -> None:
        super().__init__(data, length=max(len(data), 1) if length is None else length, seed=seed)
        self._volumes = CachedVolumes(
            data, "data", load=load, transform=transform, num_workers=num_workers, progress=progress
        )
        self._noise = noise if isinstance(noise, Compose) else Compose([noise])

    def _draw(self, rng: np.random.RandomState) -> dict[str, Tensor]:
        sample = self._volumes.draw(rng)
        clean = as_plain_tensor(sample["image"])
        noisy = apply_seeded(self._noise, sample, rng, name="noise")
        item = {"noisy": as_plain_tensor(noisy["image"]), "clean": clean}
        if "sigma" in noisy:
            item["sigma"] = as_plain_tensor(noisy["sigma"])
        return item
