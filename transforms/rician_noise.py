"""Rician noise of a given level, reproducible for each image.

Levels are percentages of a reference intensity: the maximum of the image, or a number in its units. The maximum of a
patch differs from that of its volume. So after a crop use a number (1.0 for a scaled volume), or add the noise before
the crop.

The applied sigma, in the units of the image, is recorded in ``meta["sigma"]``; dictionary versions also put it under a
key of its own. It is a float32 tensor without axes, or ``(1, *spatial)`` for spatially varying noise. Noise of scanners
(``functional.scanner_noise``) is recorded in ``meta["scanner_noise"]`` as JSON.
"""

import dataclasses
import json
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

from monai_unsup_denoise.functional import (
    SCANNER_KINDS,
    NoiseTruth,
    ScannerNoise,
    add_rician_noise,
    add_scanner_noise,
    noise_truth,
)

Reference = Literal["maximum"] | float
Scanned = tuple[ScannerNoise, NoiseTruth]


class AddRicianNoise(Transform):
    """Add Rician noise that is the same whenever the same image is loaded, for validation.

    The noise is seeded by ``seed``, the level and the file name of the image (without its folder). Different volumes,
    and different levels of one volume, therefore have independent noise.

    Args:
        level: percent of the reference.
        reference: ``"maximum"`` of the image, or a number in its units.
        seed: seed of the noise.
        kind: a name of ``functional.SCANNER_KINDS``; the level is that of each channel on the scanner's grid.

    Raises:
        ValueError: for invalid arguments; when called, if the image has negative values.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, level: float, *, reference: Reference = "maximum", seed: int = 0, kind: str = "white") -> None:
        if not level >= 0:
            raise ValueError(f"level must not be negative, got {level}")
        if kind not in SCANNER_KINDS:
            raise ValueError(f"kind must be one of {', '.join(SCANNER_KINDS)}, got {kind!r}")
        self.scanner = None if kind == "white" else SCANNER_KINDS[kind]
        self.level = level
        self.reference = check_reference(reference)
        self.seed = seed

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Noisy float32 copy of ``img``, ``(C, *spatial)``."""
        image = to_float(img)
        sigma = self.level / 100 * reference_of(image, self.reference)
        name = PurePath(str(getattr(image, "meta", {}).get("filename_or_obj", ""))).name
        seed = zlib.crc32(f"{self.seed} {self.level:.6g} {name}".encode())
        scanned = None if self.scanner is None else scan(image, sigma, self.scanner)
        return corrupt(image, sigma, seed=seed, scanned=scanned)


class AddRicianNoised(MapTransform):
    """Dictionary version of ``AddRicianNoise``, with the level in percent, and any kind, taken from the item.

    Each key has its own noise, and a level relative to its own reference. ``sigma_key`` gets the sigma of the first.

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
        seed: int = 0,
        sigma_key: str = "sigma",
        kind_key: str = "kind",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.level_key = level_key
        self.kind_key = kind_key
        self.reference = check_reference(reference)
        self.seed = seed
        self.sigma_key = sigma_key

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        if self.level_key not in d:
            raise KeyError(f"no noise level under '{self.level_key}', only {list(d)}; add it to the item")
        level, kind = float(d[self.level_key]), d.get(self.kind_key, "white")
        for i, key in enumerate(self.key_iterator(d)):
            noise = AddRicianNoise(level, reference=self.reference, seed=self.seed + i, kind=kind)
            d[key] = noise(d[key])
            if i == 0:
                d[self.sigma_key] = d[key].meta["sigma"]
        return d


def to_float(img: NdarrayOrTensor) -> Tensor:
    """Convert to a float32 tensor, with metadata where MONAI tracks them."""
    return convert_to_tensor(img, dtype=torch.float32, track_meta=get_track_meta())


def corrupt(image: Tensor, sigma: Tensor, *, seed: int, scanned: Scanned | None = None) -> Tensor:
    """Noisy copy with the noise in its metadata. The noise is drawn on the CPU: the same on every device.

    Args:
        image: ``(C, *spatial)``.
        sigma: of each channel on the scanner's grid, without axes or ``(1, *spatial)``.
        seed: of the noise.
        scanned: a kind of noise of scanners with its truth; None for white noise.
    """
    plain = _plain(image)
    if plain.min() < -0.01 * plain.max():
        raise ValueError(
            f"Rician noise needs magnitudes, but the image (shape {tuple(plain.shape)}) has values down to "
            f"{float(plain.min()):g}; add the noise before anything that centres the intensities"
        )
    sigma = sigma.to(plain.device)
    generator = torch.Generator().manual_seed(seed)
    if not sigma.any():
        noisy = plain.clone()
    elif scanned is None:
        noisy = add_rician_noise(plain, sigma, generator=generator)
    else:
        level, scanner = _without_channel(sigma), scanned[0]
        noisy = torch.stack([add_scanner_noise(x, level, scanner=scanner, generator=generator) for x in plain])
    out = convert_to_dst_type(noisy, image)[0]
    if isinstance(out, MetaTensor):
        out.meta["sigma"] = sigma if scanned is None else scanned[1].sigma
        if scanned is not None:
            out.meta["scanner_noise"] = json.dumps(scanned[0].record())
    return out


def scan(image: Tensor, sigma: Tensor, scanner: ScannerNoise) -> Scanned:
    """A kind of noise with the truth about it for an image ``(C, *spatial)``; maps are ``(1, *spatial)``."""
    plain = _plain(image)[0]
    truth = noise_truth(plain, _without_channel(sigma), scanner=scanner)
    maps = {name: getattr(truth, name).expand(plain.shape)[None].float() for name in ("sigma", "floor_sigma")}
    return scanner, dataclasses.replace(truth, **maps)


def _without_channel(sigma: Tensor) -> Tensor:
    return sigma[0] if sigma.dim() else sigma


def _plain(image: Tensor) -> Tensor:
    return image.as_tensor() if isinstance(image, MetaTensor) else image


def check_reference(reference: Reference) -> Reference:
    """The reference of noise levels; a ValueError if it is neither ``"maximum"`` nor a positive number."""
    if reference != "maximum" and not (isinstance(reference, int | float) and reference > 0):
        raise ValueError(f"reference must be 'maximum' or a positive number, got {reference!r}")
    return reference


def reference_of(image: Tensor, reference: Reference) -> Tensor:
    """Intensity that stands for a level of 100 %, in the units of the image."""
    plain = _plain(image)
    return plain.max() if reference == "maximum" else torch.tensor(float(reference), device=plain.device)
