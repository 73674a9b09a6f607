"""Noisy and clean samples that never belong together."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from monai_unsup_denoise.data.seeded_dataset import CachedVolumes, SeededDataset, as_plain_tensor


class UnpairedDataset(SeededDataset):
    """A random noisy sample beside a random clean one, drawn anew each epoch.

    Item `i` of epoch `e` depends on `(seed, e, i)` alone: which two volumes, and every random transform. Any
    number of workers, any resumed run, and any share of a `DistributedSampler` therefore see the same items.

    Args:
        data: datalist of noisy volumes (low domain), key "image"; also `.data`.
        clean_data: datalist of clean volumes (high domain), key "image".
        load: deterministic transform, applied once to every item of both; its result is kept in memory.
        noisy_transform: random transform of a loaded noisy item: crop, flip, corruption of a clean stand-in.
        clean_transform: random transform of a loaded clean item.
        seed: of all draws.
        length: items in an epoch; None for the longer of the two datalists.
        num_workers: threads that load.
        progress: show a progress bar while loading.

    Returns (per item):
        `noisy` and `clean`, float32 `(C, *spatial)`; and `sigma` where `noisy_transform` recorded it, to
        monitor with.

    Raises:
        ValueError: for an empty datalist, an item without "image", or a transform that gives several samples.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        clean_data: Sequence[Mapping[str, Any]],
        *,
        load: Callable,
        noisy_transform: Callable,
        clean_transform: Callable,
        seed: int = 0,
        length: int | None = None,
        num_workers: int = 1,
        progress: bool = True,
    ) -> None:
        super().__init__(data, length=max(len(data), len(clean_data), 1) if length is None else length, seed=seed)
        self._noisy = CachedVolumes(
            data, "data", load=load, transform=noisy_transform, num_workers=num_workers, progress=progress
        )
        self._clean = CachedVolumes(
            clean_data,
            "clean_data",
            load=load,
            transform=clean_transform,
            num_workers=num_workers,
            progress=progress,
        )

    def _draw(self, rng: np.random.RandomState) -> dict[str, Tensor]:
        noisy, clean = self._noisy.draw(rng), self._clean.draw(rng)
        item = {"noisy": as_plain_tensor(noisy["image"]), "clean": as_plain_tensor(clean["image"])}
        if "sigma" in noisy:
            item["sigma"] = as_plain_tensor(noisy["sigma"])
        return item
