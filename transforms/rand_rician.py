"""Rician noise of a random level: drawn, recorded, then applied. Levels and sigma as in ``rician_noise``."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Randomizable, RandomizableTransform
from monai.utils import TransformBackends
from numpy.random import RandomState
from torch import Tensor

from monai_unsup_denoise.functional import smooth_map
from monai_unsup_denoise.transforms.rician_noise import LevelReference, Reference, corrupt, only_one, to_float

_LARGEST_SEED = 2**31 - 1


class RandRician(RandomizableTransform):
    """Add Rician noise of a random level, drawn uniformly from exactly one of the first four arguments.

    Args:
        level_range: lowest and highest level, percent of the reference.
        levels: choice of levels, percent of the reference.
        sigma_range: lowest and highest sigma, in the units of the image.
        sigmas: choice of sigmas, in the units of the image.
        reference: ``"maximum"`` of the image, ``"percentile"`` of its bright part, or a number in its units.
        percentile: for ``reference="percentile"``.
        variation: above 1, sigma varies smoothly over the image (2 or 3 spatial axes), at most by this factor between
            its minimum and its maximum. The recorded sigma is then a map.
        prob: probability of adding noise; otherwise the image is copied and the recorded sigma is 0.

    Raises:
        ValueError: for invalid arguments; when called, if the image has negative values.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        *,
        level_range: Sequence[float] | None = None,
        levels: Sequence[float] | None = None,
        sigma_range: Sequence[float] | None = None,
        sigmas: Sequence[float] | None = None,
        reference: Reference = "maximum",
        percentile: float = 99.5,
        variation: float = 1.0,
        prob: float = 1.0,
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        name, self.values = only_one(level_range=level_range, levels=levels, sigma_range=sigma_range, sigmas=sigmas)
        self.is_range, self.in_percent = name.endswith("range"), name.startswith("level")
        if self.is_range and (len(self.values) != 2 or not 0 <= self.values[0] <= self.values[1]):
            raise ValueError(f"{name} is (lowest, highest) with 0 <= lowest <= highest, got {self.values}")
        if len(self.values) == 0 or min(self.values) < 0:
            raise ValueError(f"{name} needs at least one value and none negative, got {self.values}")
        self.reference = LevelReference(reference, percentile)
        if variation < 1:
            raise ValueError(f"variation is highest sigma / lowest sigma and at least 1, got {variation}")
        self.variation = variation
        self.sigma = torch.zeros(())
        self.noise_seed = 0

    def randomize(self, data: Tensor) -> None:
        """Draw ``sigma`` for an image ``(C, *spatial)``, and the seed of its noise."""
        super().randomize(None)
        factor = torch.ones(())
        if self.variation > 1:
            generator = torch.Generator().manual_seed(self.R.randint(_LARGEST_SEED))
            factor = smooth_map(data.shape[1:], self.variation, generator=generator)[None]
        self.noise_seed = self.R.randint(_LARGEST_SEED)
        strength = float(self.R.uniform(*self.values) if self.is_range else self.R.choice(self.values))
        unit = self.reference(data) / 100 if self.in_percent else torch.ones(())
        self.sigma = strength * unit * factor if self._do_transform else torch.zeros_like(factor)

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> Tensor:
        """Noisy float32 copy of ``img``, ``(C, *spatial)``; with ``randomize=False`` by the previous draw."""
        image = to_float(img)
        if randomize:
            self.randomize(image)
        return corrupt(image, self.sigma, seed=self.noise_seed)


class RandRiciand(Randomizable, MapTransform):
    """Dictionary version of ``RandRician``: one sigma, relative to the first image, and independent noise for each key.

    Args:
        keys: images to corrupt, of the same shape if ``variation`` is above 1.
        sigma_key: key for sigma.
        allow_missing_keys: skip keys that an item lacks.
        settings: arguments of ``RandRician``.
    """

    backend = RandRician.backend

    def __init__(
        self, keys: KeysCollection, *, sigma_key: str = "sigma", allow_missing_keys: bool = False, **settings: Any
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.sigma_key = sigma_key
        self.rician = RandRician(**settings)

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> "RandRiciand":
        super().set_random_state(seed, state)
        self.rician.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for i, key in enumerate(self.key_iterator(d)):
            image = to_float(d[key])
            if i == 0:
                self.rician.randomize(image)
                d[self.sigma_key] = self.rician.sigma
            d[key] = corrupt(image, self.rician.sigma, seed=self.rician.noise_seed + i)
        return d
