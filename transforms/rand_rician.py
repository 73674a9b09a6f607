"""Noise of a random level and kind: drawn, recorded, then applied. Levels and sigma as in ``rician_noise``."""

import json
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Randomizable, RandomizableTransform
from monai.utils import TransformBackends
from numpy.random import RandomState
from torch import Tensor

from monai_unsup_denoise.functional import ScannerNoise, check_effects, draw_scanner_noise, smooth_map
from monai_unsup_denoise.transforms.rician_noise import (
    Reference,
    Scanned,
    check_reference,
    corrupt,
    reference_of,
    scan,
    to_float,
)

_LARGEST_SEED = 2**31 - 1


class RandRician(RandomizableTransform):
    """Add Rician noise of a random level, drawn uniformly from a range or a choice of levels.

    Args:
        level_range: lowest and highest level, percent of the reference. Either this or ``levels``.
        levels: choice of levels, percent of the reference.
        reference: ``"maximum"`` of the image, or a number in its units.
        variation: above 1, sigma varies smoothly over the image (2 or 3 spatial axes), at most by this factor between
            its minimum and its maximum. The recorded sigma is then a map.
        prob: probability of adding noise; otherwise the image is copied and the recorded sigma is 0.
        effects: probabilities of what scanners do to noise, by the names of ``functional.EFFECTS``; None or empty for
            white Rician noise. The kind of noise is then recorded as JSON, and the recorded sigma is always a map.

    Raises:
        ValueError: for invalid arguments; when called, if the image has negative values.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        *,
        level_range: Sequence[float] | None = None,
        levels: Sequence[float] | None = None,
        reference: Reference = "maximum",
        variation: float = 1.0,
        prob: float = 1.0,
        effects: Mapping[str, float] | None = None,
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        chosen = levels if level_range is None else level_range
        if chosen is None or (level_range is not None and levels is not None):
            raise ValueError(f"give exactly one of level_range and levels, got {level_range} and {levels}")
        self.levels, self.is_range = chosen, levels is None
        if self.is_range and (len(self.levels) != 2 or not 0 <= self.levels[0] <= self.levels[1]):
            raise ValueError(f"level_range is (lowest, highest) with 0 <= lowest <= highest, got {self.levels}")
        if len(self.levels) == 0 or min(self.levels) < 0:
            raise ValueError(f"levels needs at least one value and none negative, got {self.levels}")
        if variation < 1:
            raise ValueError(f"variation is highest sigma / lowest sigma and at least 1, got {variation}")
        self.reference = check_reference(reference)
        self.variation = variation
        self.effects = check_effects(effects or {})
        self.sigma = torch.zeros(())
        self.noise_seed = 0
        self.scanned: Scanned | None = None

    def randomize(self, data: Tensor) -> None:
        """Draw ``sigma`` for an image ``(C, *spatial)``, the seed of its noise, and with effects its kind."""
        super().randomize(None)
        factor = torch.ones(())
        if self.variation > 1:
            generator = torch.Generator().manual_seed(self.R.randint(_LARGEST_SEED))
            factor = smooth_map(data.shape[1:], self.variation, generator=generator)[None]
        self.noise_seed = self.R.randint(_LARGEST_SEED)
        level = float(self.R.uniform(*self.levels) if self.is_range else self.R.choice(self.levels))
        full = reference_of(data, self.reference)
        self.sigma = level * (full / 100) * factor if self._do_transform else torch.zeros_like(factor)
        if self.effects:
            dimensions = data.dim() - 1
            drawn = draw_scanner_noise(self.R, self.effects, dimensions=dimensions, reference=float(full))
            self.scanned = scan(data, self.sigma, drawn if self._do_transform else ScannerNoise())

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> Tensor:
        """Noisy float32 copy of ``img``, ``(C, *spatial)``; with ``randomize=False`` by the previous draw."""
        image = to_float(img)
        if randomize:
            self.randomize(image)
        return corrupt(image, self.sigma, seed=self.noise_seed, scanned=self.scanned)


class RandRiciand(Randomizable, MapTransform):
    """Dictionary version of ``RandRician``: one sigma, relative to the first image, and independent noise for each key.

    Images must have the same shape if ``variation`` is above 1. With effects of scanners the kind of noise is one for
    all keys, too. ``noise_key`` then gets a dictionary: what ``functional.NoiseTruth`` has besides sigma, as tensors;
    the ``"record"``, a JSON text for ``ScannerNoise.from_record``; and the ``"seed"`` of the first image's noise.

    ``settings`` are arguments of ``RandRician``.
    """

    backend = RandRician.backend

    def __init__(
        self,
        keys: KeysCollection,
        *,
        sigma_key: str = "sigma",
        noise_key: str = "noise",
        allow_missing_keys: bool = False,
        **settings: Any,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.sigma_key, self.noise_key = sigma_key, noise_key
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
                d |= self._record()
            d[key] = corrupt(image, self.rician.sigma, seed=self.rician.noise_seed + i, scanned=self.rician.scanned)
        return d

    def _record(self) -> dict[Hashable, Any]:
        if self.rician.scanned is None:
            return {self.sigma_key: self.rician.sigma}
        scanner, truth = self.rician.scanned
        noise = {
            "floor_sigma": truth.floor_sigma,
            "correlation": truth.correlation,
            "coils": torch.tensor(truth.coils),
            "seed": torch.tensor(self.rician.noise_seed),
            "record": json.dumps(scanner.record()),
        }
        return {self.sigma_key: truth.sigma, self.noise_key: noise}
