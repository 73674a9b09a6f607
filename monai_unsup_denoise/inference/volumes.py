"""The volumes of a 4-D scan, denoised one at a time with one estimate of the noise."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from monai.data import MetaTensor
from tqdm import tqdm

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume
from monai_unsup_denoise.inference.noise import SIGMA_UNKNOWN, NoiseEstimate, with_sigma
from monai_unsup_denoise.protocols import NoiseAwareNetwork

if TYPE_CHECKING:
    from monai_unsup_denoise.inference.denoiser import Denoiser

_ASKED = 9  # volumes that the noise is estimated from; in real repeats their estimates differ by 1 to 5 %


class VolumeSeries(Protocol):
    """The volumes ``(X, Y, Z)`` of a scan, by their numbers from 0, as `read_scan` reads them.

    Attributes:
        path: of the file, or what else messages call the scan.
        affine: from voxels to millimetres, ``(4, 4)``.
        shape: ``(X, Y, Z)``.
    """

    path: Any
    affine: np.ndarray
    shape: tuple[int, ...]

    def __len__(self) -> int: ...

    def __getitem__(self, number: int) -> MetaTensor: ...


@dataclass(frozen=True)
class SharedNoise:
    """The noise of all volumes of a scan: ``estimate``, in multiples of the reference in the ``meta`` of its volume."""

    estimate: NoiseEstimate
    meta: Mapping[str, Any]

    @property
    def sigma(self) -> float:
        """In scanner units, the same in every volume."""
        return float(self.meta["reference"]) * (self.estimate.sigma or 0.0)

    def of(self, image: MetaTensor, network: NoiseAwareNetwork) -> NoiseEstimate:
        """The same noise in multiples of the reference intensity of ``image``."""
        factor = float(self.meta["reference"]) / float(image.meta["reference"])
        code = self.estimate.code
        factors = code.new_full((1, *[1] * (code.dim() - 2)), factor)
        return replace(
            self.estimate, code=network.scale_sigma(code, factors), sigma=factor * (self.estimate.sigma or 0.0)
        )


def denoise_volumes(
    denoiser: Denoiser, volumes: VolumeSeries, *, progress: bool = False, sigma: float | None = None
) -> Iterator[DenoisedVolume]:
    """Every volume, denoised with one noise estimate; nothing is denoised before all of them were read and checked.

    The noise of a scanner does not depend on what is measured: it is the same, in scanner units, in all volumes of a
    time series or a diffusion series, however unlike their contrast. It is estimated from up to 9 volumes, spread over
    the scan, and that of the volume with the median sigma is taken, map and all: one odd volume does not matter. A
    network that does not estimate the noise level has a code for each volume.

    Volumes of zeros (dummy scans) stay as they are, and have no map of the noise level.

    Args:
        denoiser: with which weights and settings.
        volumes: of the scan.
        progress: show a progress bar.
        sigma: noise level in scanner units, in place of the estimated one.

    Raises:
        InputError: naming the first volume that is no volume of magnitudes, or if all are zero; for a sigma that the
            network does not know; as `Denoiser.denoise_image`.
    """
    denoiser = copy.copy(denoiser)
    denoiser.inferer = copy.copy(denoiser.inferer)
    denoiser.inferer.progress = False  # one bar for all
    bar = partial(tqdm, unit="volume", leave=False, disable=None if progress and sys.stderr is not None else True)
    numbers = range(len(volumes))
    filled = [number for number in bar(numbers, desc="reading") if _load(denoiser, volumes, number) is not None]
    if not filled:
        raise InputError(f"{volumes.path}: all voxels are zero; export the scan again")
    asked = {filled[place] for place in np.linspace(0, len(filled) - 1, _ASKED).round().astype(int)}
    noise = _shared_noise(denoiser, volumes, bar(sorted(asked), desc="estimating noise"))
    if sigma is not None:
        if noise is None:
            raise InputError(SIGMA_UNKNOWN)
        level = sigma / float(noise.meta["reference"])
        noise = replace(noise, estimate=with_sigma(noise.estimate, denoiser.network, sigma=level))
    for number in (shown := bar(numbers)):
        shown.set_description(f"volume {number}")
        image = _load(denoiser, volumes, number)
        if image is None:
            yield _zeros(denoiser, volumes, noise)
        else:
            of_image = None if noise is None else noise.of(image, denoiser.network)
            yield denoiser.denoise_image(image, noise=of_image)


def _load(denoiser: Denoiser, volumes: VolumeSeries, number: int) -> MetaTensor | None:
    """Volume ``number``, preprocessed and checked; None if it is zero everywhere."""
    volume = volumes[number]
    return denoiser.preprocess(volume) if volume.any() else None


def _shared_noise(denoiser: Denoiser, volumes: VolumeSeries, numbers: Iterable[int]) -> SharedNoise | None:
    """The noise of that of the volumes ``numbers`` which has the median sigma, of the sure ones where there are any."""
    if not isinstance(denoiser.network, NoiseAwareNetwork):
        return None
    images = (denoiser.preprocess(volumes[number]) for number in numbers)
    found = [SharedNoise(denoiser.estimate_noise(image), image.meta) for image in images]
    sure = [noise for noise in found if noise.estimate.is_sure] or found
    return sorted(sure, key=lambda noise: noise.sigma)[len(sure) // 2]


def _zeros(denoiser: Denoiser, volumes: VolumeSeries, noise: SharedNoise | None) -> DenoisedVolume:
    zeros = np.zeros(volumes.shape, dtype=np.float32)
    return DenoisedVolume(
        noisy=zeros,
        denoised=zeros,
        affine=volumes.affine,
        **({"sigma": None} if noise is None else noise.estimate.in_the_file(noise.meta)),
        maps={name: zeros for name in denoiser.settings.maps if name != "sigma"},
    )
