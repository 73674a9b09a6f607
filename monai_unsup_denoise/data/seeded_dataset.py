"""Datasets of random items that are the same for any number of workers and after any resume."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from monai.data import CacheDataset
from monai.transforms import Compose
from monai.utils import MAX_SEED, convert_to_tensor
from torch import Tensor
from torch.utils.data import Dataset

Sampler = Callable[[np.random.RandomState], dict[str, Any]]


class SeededDataset(Dataset):
    """Dataset with items drawn at random: item ``i`` of epoch ``e`` depends on ``RandomState([seed, e, i])`` only.

    Any number of workers, any resumed run and any share of a ``DistributedSampler`` therefore see the same items. The
    epoch is in shared memory, so that persistent workers see ``set_epoch`` as well.

    Args:
        data: MONAI datalist with the key "image", kept as ``.data``.
        load: deterministic transform, applied once to every item; the result is kept in memory.
        seed: seed of all draws.
        length: items per epoch; None for one per volume.
        num_workers: threads that load.
        progress: show a progress bar while loading.

    Raises:
        ValueError: for an empty datalist, an item without "image", a length below 1, or (when an item is drawn) a
            transform with several samples.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        *,
        load: Callable,
        seed: int = 0,
        length: int | None = None,
        num_workers: int = 1,
        progress: bool = True,
    ) -> None:
        self._length = max(len(data), 1) if length is None else length
        if self._length < 1:
            raise ValueError(f"length: an epoch needs at least 1 item, got {length}")
        self.data = data
        self._load = partial(CacheDataset, transform=load, num_workers=num_workers, progress=progress, copy_cache=False)
        self._seed = seed
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Draw the items of this epoch from now on (initially 0); call it before iterating over the loader."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < self._length:
            raise IndexError(f"item {index} of a dataset of {self._length}")
        return self._draw(np.random.RandomState([self._seed, int(self._epoch), index]))

    def _sampler(self, data: Sequence[Mapping[str, Any]], name: str, transform: Callable) -> Sampler:
        """Load volumes, and return a function that draws a random one and applies a random transform."""
        if not data:
            raise ValueError(f"{name}: the datalist is empty; give at least one volume")
        for item in data:
            if "image" not in item:
                raise ValueError(f"{name}: an item lacks the key 'image', it has {sorted(item)}")
        return partial(_draw_sample, self._load(data), as_compose(transform), name)

    @abstractmethod
    def _draw(self, rng: np.random.RandomState) -> dict[str, Tensor]:
        """Make one item; ``rng`` is the only source of randomness."""


def _draw_sample(volumes: CacheDataset, transform: Compose, name: str, rng: np.random.RandomState) -> dict[str, Any]:
    return apply_seeded(transform, dict(volumes[rng.randint(len(volumes))]), rng, name=name)


def as_compose(transform: Callable) -> Compose:
    """The transform as ``apply_seeded`` can seed it, with all that it contains."""
    return transform if isinstance(transform, Compose) else Compose([transform])


def apply_seeded(transform: Compose, item: dict[str, Any], rng: np.random.RandomState, *, name: str) -> dict[str, Any]:
    """Apply a random transform with a seed from ``rng``, independent of its earlier calls."""
    transform.set_random_state(seed=int(rng.randint(MAX_SEED, dtype="uint32")))
    result = transform(item)
    if not isinstance(result, Mapping):
        raise ValueError(f"{name}: its transform returned a {type(result).__name__}; it must return one dictionary")
    return dict(result)


def as_plain_tensor(value: Any) -> Tensor:
    """Float32 copy without metadata and without a reference to the volume it was cropped from."""
    tensor = convert_to_tensor(value, dtype=torch.float32, track_meta=False)
    return tensor.clone(memory_format=torch.contiguous_format)
