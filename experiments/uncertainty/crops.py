"""Crops of phantom heads, denoised as a user would, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from monai_unsup_denoise.benchmark.cases import Volume
from monai_unsup_denoise.benchmark.noise_kinds import KindCase
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import SCANNER_KINDS
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings, weights_sha256
from monai_unsup_denoise.networks.error_head import ErrorHead, noise_numbers

CONTRASTS = ("T1w", "PDw", "T2w", "random")
LEVELS = (1.0, 20.0)  # percent of the maximum
SHAPE = (96, 96, 48)  # voxels at most


@dataclass(frozen=True)
class Crop:
    """A denoised crop, arrays ``(X, Y, Z)`` float32 in units of the clean maximum.

    Attributes:
        name: of subject and contrast.
        kind, level: of the noise.
        clean, noisy, denoised: the truth, before and after.
        sigma: the estimated noise level of each voxel.
        tissue: labels, see `phantom_datalist`; 0 is air.
        numbers: of the noise, as `ErrorHead` takes them.
    """

    name: str
    kind: str
    level: float
    clean: np.ndarray
    noisy: np.ndarray
    denoised: np.ndarray
    sigma: np.ndarray
    tissue: np.ndarray
    numbers: np.ndarray

    def error(self) -> np.ndarray:
        """Its absolute value, in each voxel."""
        return np.abs(self.denoised - self.clean)

    def half_widths(self, head: ErrorHead) -> np.ndarray:
        """What the head says, ``(2, X, Y, Z)``."""
        volumes = [torch.from_numpy(volume)[None, None] for volume in (self.noisy, self.denoised, self.sigma)]
        with torch.no_grad():
            widths: Tensor = head(*volumes, torch.from_numpy(self.numbers)[None])
        return widths[0].numpy()


def crop_folder(work_dir: Path, weights: Path) -> Path:
    """The folder of the crops that these weights have denoised."""
    return work_dir / weights_sha256(weights)[:8]


def denoised_crops(subjects: Sequence[int], *, folder: Path, denoiser: Denoiser) -> Iterator[Crop]:
    """A crop of each subject, of random contrast, place, noise kind and level; from ``folder`` if it is there."""
    for subject in tqdm(subjects, desc="crops", disable=None):
        path = folder / f"{subject}.npz"
        if not path.exists():
            with atomic_write(path) as partial, partial.open("wb") as file:
                np.savez_compressed(file, **vars(draw_crop(subject, denoiser)))
        yield read_crop(path)


def read_crop(path: Path) -> Crop:
    """A crop that `denoised_crops` has stored."""
    with np.load(path) as arrays:
        content: dict[str, Any] = {field.name: arrays[field.name] for field in fields(Crop)}
    return Crop(**{name: value if value.ndim else value.item() for name, value in content.items()})


def draw_crop(subject: int, denoiser: Denoiser) -> Crop:
    """The crop of a subject; its number is the seed of all that is random."""
    rng = np.random.default_rng(subject)
    contrast = str(rng.choice(CONTRASTS))
    [item] = phantom_datalist(None, [subject], contrasts=[contrast], progress=False)
    clean = np.asarray(nibabel.Nifti1Image.from_filename(item["image"]).dataobj, dtype=np.float32)
    tissue = np.asarray(nibabel.Nifti1Image.from_filename(item["tissue"]).dataobj)
    for path in (item["image"], item["tissue"]):  # hundreds of heads would fill the disk
        Path(path).unlink()
    center = rng.choice(np.argwhere(tissue > 0))
    box = tuple(_around(*sides, rng) for sides in zip(center, SHAPE, clean.shape, strict=True))
    clean, tissue = np.ascontiguousarray(clean[box]) / clean.max(), np.ascontiguousarray(tissue[box])
    kind, level = str(rng.choice(list(SCANNER_KINDS))), float(np.exp(rng.uniform(*np.log(LEVELS))))
    name = f"sub-{subject:04d}_{contrast}"
    noisy = KindCase(Volume(name, clean, 0, clean.shape[2] - 1), level, 0, kind).noisy
    result = denoiser.denoise_image(denoiser.wrap(noisy), DenoiseSettings(maps=("sigma",)))
    numbers = noise_numbers(result.correlation, coils=result.coils, error=result.sigma_error)[0].numpy()
    return Crop(name, kind, level, clean, noisy, result.denoised, result.maps["sigma"], tissue, numbers)


def _around(center: int, side: int, length: int, rng: np.random.Generator) -> slice:
    """Of up to ``side`` voxels with ``center`` in them."""
    side = min(side, length)
    first = int(np.clip(center - rng.integers(side), 0, length - side))
    return slice(first, first + side)
