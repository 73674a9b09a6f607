"""Rician noise of a given level, reproducible for each image.

Levels are percentages of a reference intensity: the maximum of the image, its ``reference_intensity``, or a number in
its units. The maximum of a patch differs from that of its volume. So after a crop use a number (1.0 for a scaled
volume), or add the noise before the crop.

The applied sigma, in the units of the image, is recorded in ``meta["sigma"]``; dictionary versions also put it under a
key of its own. It is a float32 tensor without axes, or ``(1, *spatial)`` for spatially varying noise.
"""

import zlib
from collections.abc import Hashable, Mapping
from pathlib import PurePath
from typing import Any, Literal

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data.meta_obj import get_track_meta
from monai.data.meta_tensor import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_tensor
from torch import Tensor

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.transforms.reference import reference_intensity

Reference = Literal["maximum", "percentile"] | float


class AddRicianNoise(Transform):
    """Add Rician noise that is the same whenever the same image is loaded, for validation.

    The noise is seeded by ``seed``, the level and the file name of the image (without its folder). Different volumes,
    and different levels of one volume, therefore have independent noise.

    Args:
        level: percent of the reference. Either this or ``sigma``.
        sigma: in the units of the image.
        reference: ``"maximum"`` of the image, ``"percentile"`` of its bright part, or a number in its units.
        percentile: for ``reference="percentile"``.
        seed: seed of the noise.

    Raises:
        ValueError: unless exactly one of ``level`` and ``sigma`` is given, and not negative; when called, if the image
            has negative values.
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
        name, self.strength = only_one(level=level, sigma=sigma)
        if not self.strength >= 0:
            raise ValueError(f"{name} must not be negative, got {self.strength}")
        self.in_percent = level is not None
        self.reference = LevelReference(reference, percentile)
        self.seed = seed

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Noisy float32 copy of ``img``, ``(C, *spatial)``."""
        image = to_float(img)
        sigma = torch.tensor(float(self.strength))
        if self.in_percent:
            sigma = self.strength / 100 * self.reference(image)
        name = PurePath(str(getattr(image, "meta", {}).get("filename_or_obj", ""))).name
        return corrupt(image, sigma, seed=zlib.crc32(f"{self.seed} {self.strength:.6g} {name}".encode()))


class AddRicianNoised(MapTransform):
    """Dictionary version of ``AddRicianNoise``, with the level taken from the item.

    Applied to a datalist of (volume, level) items it gives fixed validation noise. Each key has its own noise, and a
    level relative to its own reference.

    Args:
        keys: images to corrupt.
        level_key: key of the level in percent.
        seed: seed of the noise.
        sigma_key: key for the sigma of the first image.
        allow_missing_keys: skip keys that an item lacks.
        settings: ``reference`` and ``percentile`` of ``AddRicianNoise``.

    Raises:
        KeyError: if the item has no level.
    """

    backend = AddRicianNoise.backend

    def __init__(
        self,
        keys: KeysCollection,
        level_key: str = "level",
        *,
        seed: int = 0,
        sigma_key: str = "sigma",
        allow_missing_keys: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        AddRicianNoise(0, **settings)  # raises for invalid settings
        self.level_key = level_key
        self.seed = seed
        self.sigma_key = sigma_key
        self.settings = settings

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        if self.level_key not in d:
            raise KeyError(f"no noise level under '{self.level_key}', only {list(d)}; add it to the item")
        for i, key in enumerate(self.key_iterator(d)):
            d[key] = AddRicianNoise(float(d[self.level_key]), seed=self.seed + i, **self.settings)(d[key])
            if i == 0:
                d[self.sigma_key] = d[key].meta["sigma"]
        return d


def to_float(img: NdarrayOrTensor) -> Tensor:
    """Convert to a float32 tensor, with metadata where MONAI tracks them."""
    return convert_to_tensor(img, dtype=torch.float32, track_meta=get_track_meta())


def corrupt(image: Tensor, sigma: Tensor, *, seed: int) -> Tensor:
    """Noisy copy with sigma in its metadata. The noise is drawn on the CPU: the same on every device."""
    plain = image.as_tensor() if isinstance(image, MetaTensor) else image
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


class LevelReference:
    """Intensity that stands for a level of 100 %, in the units of the image; arguments as for ``AddRicianNoise``."""

    def __init__(self, reference: Reference, percentile: float) -> None:
        number = isinstance(reference, int | float) and reference > 0
        if reference not in ("maximum", "percentile") and not number:
            raise ValueError(f"reference must be 'maximum', 'percentile' or a positive number, got {reference!r}")
        self.reference, self.percentile = reference, percentile

    def __call__(self, image: Tensor) -> Tensor:
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        if self.reference == "maximum":
            return plain.max()
        if self.reference == "percentile":
            return reference_intensity(plain, self.percentile)
        return torch.tensor(float(self.reference), device=plain.device)


def only_one(**arguments: Any) -> tuple[str, Any]:
    """Name and value of the only argument that is not None; a ValueError unless there is exactly one."""
    given = {name: value for name, value in arguments.items() if value is not None}
    if len(given) != 1:
        raise ValueError(f"give exactly one of {', '.join(arguments)}; got {', '.join(given) or 'none'}")
    return given.popitem()
