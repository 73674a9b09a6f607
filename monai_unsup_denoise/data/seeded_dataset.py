"""Items that are drawn at random, yet the same for every worker count and after every resume."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import CacheDataset
from monai.transforms import Compose
from monai.utils import MAX_SEED, convert_to_tensor
from torch import Tensor
from torch.utils.data import Dataset


class SeededDataset(Dataset):
    """A dataset whose item `i` in epoch `e` is drawn from `RandomState([seed, e, i])` and from nothing else.

    The epoch lies in shared memory, so that persistent workers see `set_epoch` too.

    Args:
        data: MONAI datalist, kept as `.data`.
        length: items in an epoch.
        seed: another seed is another sequence of items.
    """

    def __init__(self, data: Sequence[Mapping[str, Any]], *, length: int, seed: int) -> None:
        if length < 1:
            raise ValueError(f"length: an epoch needs at least 1 item, got {length}")
        self.data = data
        self._length = length
        self._seed = seed
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Draw the items of this epoch from now on (0 until called); call it before iterating the loader."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        if not 0 <= index < self._length:
            raise IndexError(f"item {index} of a dataset of {self._length}")
        return self._draw(np.random.RandomState([self._seed, int(self._epoch), index]))

    @abstractmethod
    def _draw(self, rng: np.random.RandomState) -> dict[str, Tensor]:
        """Make one item; every choice comes from `rng`."""


class CachedVolumes:
    """Volumes loaded once and kept in memory, and a random transform that cuts samples from them.

    Args:
        data: datalist whose items have the key "image".
        name: of the datalist, for messages.
        load: deterministic transform from an item to a tensor under "image".
        transform: random transform of one loaded item to one item. It must not write into the tensor it gets.
        num_workers: threads that load.
        progress: show a progress bar while loading.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        name: str,
        *,
        load: Callable,
        transform: Callable,
        num_workers: int,
        progress: bool,
    ) -> None:
        if not data:
            raise ValueError(f"{name}: the datalist is empty; name at least one volume")
        for item in data:
            if "image" not in item:
                raise ValueError(f"{name}: an item lacks the key 'image', it has {sorted(item)}")
        self._loaded = CacheDataset(data, load, num_workers=num_workers, progress=progress, copy_cache=False)
        self._transform = transform if isinstance(transform, Compose) else Compose([transform])
        self._name = name

    def draw(self, rng: np.random.RandomState) -> dict[str, Any]:
        """Choose a volume, seed the transform, apply it."""
        item = dict(self._loaded[rng.randint(len(self._loaded))])
        return apply_seeded(self._transform, item, rng, name=self._name)


def apply_seeded(transform: Compose, item: dict[str, Any], rng: np.random.RandomState, *, name: str) -> dict[str, Any]:
    """Apply a random transform seeded by `rng`, whatever it was applied to before."""
    transform.set_random_state(seed=int(rng.randint(MAX_SEED, dtype="uint32")))
    result = transform(item)
    if not isinstance(result, Mapping):
        raise ValueError(f"{name}: its transform gave a {type(result).__name__}; it must give one dictionary")
    return dict(result)


def as_plain_tensor(value: Any) -> Tensor:
    """A float32 copy without metadata, which no longer holds on to the volume it was cut from."""
    tensor = convert_to_tensor(value, dtype=torch.float32, track_meta=False)
    return tensor.clone(memory_format=torch.contiguous_format)
