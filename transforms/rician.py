"""Rician noise of a stated level: fixed by the item (`AddRicianNoise`) or drawn at random (`RandRician`).

A level is a percentage of a reference intensity of the image, which is its maximum, a `reference_intensity`
percentile, or a number in its units. A patch has another maximum than the volume it was cut from: after a
crop, give a number (1.0 for a normalised volume), or add the noise before the crop.

The sigma that was used, in the units of the image, is left in ``meta["sigma"]``, and by the dictionary
versions under a key of its own: a float32 tensor without axes, or ``(1, *spatial)`` where it varies over the
image.
"""

from __future__ import annotations

import zlib
from collections.abc import Hashable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Literal

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data.meta_obj import get_track_meta
from monai.data.meta_tensor import MetaTensor
from monai.transforms import MapTransform, Randomizable, RandomizableTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor
from numpy.random import RandomState
from torch import Tensor

from monai_unsup_denoise.functional import add_rician_noise, smooth_map
from monai_unsup_denoise.transforms.reference import reference_intensity

Reference = Literal["maximum", "percentile"] | float
_LARGEST_SEED = 2**31 - 1


class AddRicianNoise(Transform):
    """Add the same Rician noise to the same item every time, as validation needs it.

    The noise is seeded by ``seed``, the level and the name of the image's file (without its folder), so that
    two volumes, or two levels of one volume, do not share it.

    Args:
        level: percent of the reference. Either this or ``sigma``.
        sigma: in the units of the image.
        reference: ``"maximum"`` of the image, ``"percentile"`` of its bright part, or a number in its units.
        percentile: for ``reference="percentile"``.
        seed: another seed is another noise.

    Raises:
        ValueError: if not exactly one of ``level`` and ``sigma`` is given, or it is negative; when called, if
            the image has negative values.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        level: float | None = None,
        *,
        sigma: float | None = None,
        reference: Reference = "maximum",
        percentile: float = 99.5,
        seed: int = 0,
    ) -> None:
        _only_one(level=level, sigma=sigma)
        self.level = _not_negative("level", level)
        self.sigma = _not_negative("sigma", sigma)
        self.reference = _check_reference(reference)
        self.percentile = percentile
        self.seed = seed

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """A noisy copy of ``img``, ``(C, *spatial)``, float32."""
        image = _to_float(img)
        if self.level is None:
            sigma = torch.tensor(self.sigma)
        else:
            sigma = self.level / 100 * _reference_of(image, self.reference, self.percentile)
        name = PurePath(str(getattr(image, "meta", {}).get("filename_or_obj", ""))).name
        strength = self.sigma if self.level is None else self.level
        return _corrupt(image, sigma, seed=zlib.crc32(f"{self.seed} {strength:.6g} {name}".encode()))


class AddRicianNoised(MapTransform):
    """Dictionary version of `AddRicianNoise`: the level is read from the item.

    With a datalist of (volume, level) items this is the fixed validation noise. The keys after the first have
    noise of their own, and a level of their own reference.

    Args:
        keys: images to corrupt.
        level_key: where the item keeps its level in percent.
        reference, percentile, seed: as in `AddRicianNoise`.
        sigma_key: where sigma (of the first key's image) is put.

    Raises:
        KeyError: if the item has no level.
    """

    backend = AddRicianNoise.backend

    def __init__(
        self,
        keys: KeysCollection,
        level_key: str = "level",
        *,
        reference: Reference = "maximum",
        percentile: float = 99.5,
        seed: int = 0,
        sigma_key: str = "sigma",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.level_key = level_key
        self.reference = _check_reference(reference)
        self.percentile = percentile
        self.seed = seed
        self.sigma_key = sigma_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        if self.level_key not in d:
            raise KeyError(f"no noise level under '{self.level_key}', only {list(d)}; add it to the item")
        for i, key in enumerate(self.key_iterator(d)):
            rician = AddRicianNoise(
                float(d[self.level_key]),
                reference=self.reference,
                percentile=self.percentile,
                seed=self.seed + i,
            )
            image = _to_float(d[key])
            d[key] = rician(image)
            if i == 0:
                d[self.sigma_key] = d[key].meta["sigma"]
        return d


class RandRician(RandomizableTransform):
    """Add Rician noise of a random level: sigma is drawn, recorded, then applied.

    Exactly one of the first four arguments says where the strength is drawn from, uniformly.

    Args:
        level_range: lowest and highest level, percent of the reference.
        levels: the levels to choose from, percent of the reference.
        sigma_range: lowest and highest sigma, in the units of the image.
        sigmas: the sigmas to choose from, in the units of the image.
        reference: ``"maximum"`` of the image, ``"percentile"`` of its bright part, or a number in its units.
        percentile: for ``reference="percentile"``.
        variation: above 1, sigma varies smoothly over the image (2 or 3 spatial axes), by at most this factor
            between its lowest and its highest; the recorded sigma is then a map.
        prob: probability of adding noise; otherwise the image is copied as it is and the recorded sigma is 0.

    Raises:
        ValueError: if not exactly one of the four is given, or has no sense; when called, if the image has
            negative values.
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
        _only_one(level_range=level_range, levels=levels, sigma_range=sigma_range, sigmas=sigmas)
        self.range = _check_range(level_range if level_range is not None else sigma_range)
        self.choices = _check_choices(levels if levels is not None else sigmas)
        self.in_percent = level_range is not None or levels is not None
        self.reference = _check_reference(reference)
        self.percentile = percentile
        if variation < 1:
            raise ValueError(f"variation is highest sigma / lowest sigma and at least 1, got {variation}")
        self.variation = variation
        self.sigma = torch.zeros(())
        self.noise_seed = 0

    def randomize(self, data: Tensor) -> None:
        """Draw ``sigma`` for an image ``(C, *spatial)``, and the seed of its noise."""
        super().randomize(None)
        gain = torch.ones(())
        if self.variation > 1:
            generator = torch.Generator().manual_seed(self.R.randint(_LARGEST_SEED))
            gain = smooth_map(data.shape[1:], self.variation, generator=generator)[None]
        self.noise_seed = self.R.randint(_LARGEST_SEED)
        strength = self.R.uniform(*self.range) if self.range else self.R.choice(self.choices)
        unit = torch.ones(())
        if self.in_percent:
            unit = _reference_of(data, self.reference, self.percentile) / 100
        self.sigma = float(strength) * unit * gain if self._do_transform else torch.zeros_like(gain)

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> Tensor:
        """A noisy copy of ``img``, ``(C, *spatial)``, float32; without ``randomize``, the last draw again."""
        image = _to_float(img)
        if randomize:
            self.randomize(image)
        return _corrupt(image, self.sigma, seed=self.noise_seed)


class RandRiciand(Randomizable, MapTransform):
    """Dictionary version of `RandRician`: one sigma (of the first key's reference), noise for each.

    Args:
        keys: images to corrupt, all of one shape where ``variation`` is above 1.
        sigma_key: where sigma is put.
        allow_missing_keys: leave out the keys that an item has not.
        settings: the arguments of `RandRician`.
    """

    backend = RandRician.backend

    def __init__(
        self,
        keys: KeysCollection,
        *,
        sigma_key: str = "sigma",
        allow_missing_keys: bool = False,
        **settings: Any,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.sigma_key = sigma_key
        self.rician = RandRician(**settings)

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> RandRiciand:
        super().set_random_state(seed, state)
        self.rician.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for i, key in enumerate(self.key_iterator(d)):
            image = _to_float(d[key])
            if i == 0:
                self.rician.randomize(image)
                d[self.sigma_key] = self.rician.sigma
            d[key] = _corrupt(image, self.rician.sigma, seed=self.rician.noise_seed + i)
        return d


def _to_float(img: NdarrayOrTensor) -> Tensor:
    return convert_to_tensor(img, dtype=torch.float32, track_meta=get_track_meta())


def _plain(image: Tensor) -> Tensor:
    return image.as_tensor() if isinstance(image, MetaTensor) else image


def _reference_of(image: Tensor, reference: Reference, percentile: float) -> Tensor:
    image = _plain(image)
    if reference == "maximum":
        return image.max()
    if reference == "percentile":
        return reference_intensity(image, percentile)
    return torch.tensor(float(reference), device=image.device)


def _corrupt(image: Tensor, sigma: Tensor, *, seed: int) -> Tensor:
    """A noisy copy with sigma in its metadata. The noise is drawn on the CPU: the same on every device."""
    plain = _plain(image)
    if plain.min() < -0.01 * plain.max():
        raise ValueError(
            f"Rician noise needs magnitudes, but the image (shape {tuple(plain.shape)}) has values down to "
            f"{float(plain.min()):g}; add the noise before anything that centres the intensities"
        )
    sigma = sigma.to(plain.device)
    generator = torch.Generator().manual_seed(seed)
    noisy = add_rician_noise(plain, sigma, generator=generator) if sigma.any() else plain.clone()
    out = convert_to_dst_type(noisy, image)[0]
    if isinstance(out, MetaTensor):
        out.meta["sigma"] = sigma
    return out


def _only_one(**arguments: Any) -> None:
    given = [name for name, value in arguments.items() if value is not None]
    if len(given) != 1:
        raise ValueError(f"give exactly one of {', '.join(arguments)}; got {', '.join(given) or 'none'}")


def _not_negative(name: str, value: float | None) -> float | None:
    if value is not None and not value >= 0:
        raise ValueError(f"{name} must not be negative, got {value}")
    return value


def _check_reference(reference: Reference) -> Reference:
    number = isinstance(reference, int | float) and reference > 0
    if reference not in ("maximum", "percentile") and not number:
        raise ValueError(f"reference must be 'maximum', 'percentile' or a positive number, got {reference!r}")
    return reference


def _check_range(values: Sequence[float] | None) -> tuple[float, float] | None:
    if values is None:
        return None
    if len(values) != 2 or not 0 <= values[0] <= values[1]:
        raise ValueError(f"a range is (lowest, highest) with 0 <= lowest <= highest, got {values}")
    return values[0], values[1]


def _check_choices(values: Sequence[float] | None) -> list[float]:
    if values is not None and (len(values) == 0 or min(values) < 0):
        raise ValueError(f"give at least one level or sigma to choose from, and none negative; got {values}")
    return list(values or [])
