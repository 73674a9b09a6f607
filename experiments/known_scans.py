"""The statistics of the scans that the model was trained on, and how far other images are from them.

    python -m experiments.known_scans [--scans FOLDER]

writes `known_scans.csv` into the bundle, and `docs/known_scans.csv`: how many images of each kind count as unlike. The
limit is that beyond which 1 % of the calibration crops of `python -m experiments.uncertainty` lie, denoised; its test
crops are counted like all others. ``--scans`` has a sub-folder for each kind of image, which names its row.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import torch
from skimage import color, data
from tqdm import tqdm

from experiments.uncertainty.crops import crop_folder, read_crop
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.functional.scan_statistics import NAMES, scan_statistics
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.inference.calibration import write_calibration
from monai_unsup_denoise.inference.known_scans import KnownScans
from monai_unsup_denoise.transforms import ScaleToReferenceIntensity

_HEADS = [*range(10), *range(12, 30)]  # subjects of the training
_OBJECTS = range(1000, 1030)
_SHARE = 0.01  # of scans like the known ones that count as unlike
_SLICES = 8  # of a natural image
_IMAGES = (
    *("astronaut", "brick", "camera", "cat", "coins", "grass", "gravel", "moon", "page", "retina", "rocket", "text"),
)


def main() -> None:
    """Write the two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work-dir", type=Path, default=Path("runs/uncertainty"), help="folder of the crops")
    parser.add_argument("--scans", type=Path, help="folder with a sub-folder for each kind of image")
    parser.add_argument("--output-dir", type=Path, default=bundle_folder() / "models", help="folder of the calibration")
    parser.add_argument("--table", type=Path, default=Path("docs/known_scans.csv"))
    options = parser.parse_args()
    path, weights = (options.output_dir / name for name in ("known_scans.csv", "model.pt"))
    folder = crop_folder(options.work_dir, weights)
    if not any(folder.glob("6???.npz")):
        parser.error(f"{folder}: no crops of these weights; run `python -m experiments.uncertainty` first")
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(NAMES)
        writer.writerows([f"{value:.5g}" for value in row] for row in known_statistics())
    known = KnownScans(path, limit=1.0)
    held_out = [[known.distance(image) for image in crops(folder, first)] for first in (6, 7)]
    limit = float(np.quantile(held_out[0], 1 - _SHARE))
    denoiser = Denoiser.from_bundle(model=weights)
    write_calibration(options.output_dir, model_path=weights, known_scans={"limit": round(limit, 4)})
    others = {"natural images": natural_images(denoiser), "noise alone": noise_alone(denoiser)}
    for kind in sorted(path for path in options.scans.iterdir() if path.is_dir()) if options.scans else ():
        others[kind.name] = scans_in(denoiser, kind)
    distances = {"phantoms of no training": held_out[1]}
    distances |= {name: [known.distance(image) for image in images] for name, images in others.items()}
    rows = [
        {"images": name, "count": len(found), "unlike": float(np.mean(np.asarray(found) > limit)), "limit": limit}
        | {f"{share:.0%}": float(np.quantile(found, share)) / limit for share in (0.05, 0.5, 0.95)}
        for name, found in distances.items()
    ]
    with atomic_write(options.table) as partial:
        pd.DataFrame(rows).round(3).to_csv(partial, index=False)


def known_statistics() -> Iterator[np.ndarray]:
    """Of every scan of the training: the whole of it, and a part."""
    items = phantom_datalist(None, _HEADS) + phantom_datalist(None, _OBJECTS, contrasts=["random", "fine", "QA"])
    for number, item in enumerate(tqdm(items, desc="known scans", disable=None)):
        image = scaled(np.asarray(nibabel.Nifti1Image.from_filename(item["image"]).dataobj, dtype=np.float32))
        yield scan_statistics(image)
        rng = np.random.default_rng(number)
        sides = [max(int(length * rng.uniform(0.3, 1)), min(length, 16)) for length in image.shape]
        firsts = [int(rng.integers(length - side + 1)) for length, side in zip(image.shape, sides, strict=True)]
        part = image[tuple(slice(first, first + side) for first, side in zip(firsts, sides, strict=True))]
        if (part > 0).mean() > 0.1:
            yield scan_statistics(scaled(part))


def scaled(image: np.ndarray) -> np.ndarray:
    """In multiples of its reference intensity, as the denoiser has it."""
    return ScaleToReferenceIntensity()(torch.from_numpy(image)[None]).numpy()[0]


def crops(folder: Path, thousand: int) -> Iterator[np.ndarray]:
    """The denoised crops of subjects of a thousand, in multiples of their reference intensity."""
    for path in sorted(folder.glob(f"{thousand}???.npz")):
        yield scaled(read_crop(path).denoised)


def denoised(denoiser: Denoiser, image: np.ndarray) -> np.ndarray:
    """In multiples of its reference intensity."""
    return scaled(denoiser.denoise_image(denoiser.wrap(image)).denoised)


def natural_images(denoiser: Denoiser) -> Iterator[np.ndarray]:
    """Photographs as stacks of one slice, with 5 % noise, at most 256 pixels wide."""
    for name in _IMAGES:
        image = np.asarray(getattr(data, name)())
        image = (color.rgb2gray(image) if image.ndim == 3 else image / 255).astype(np.float32)[:256, :256]
        stack = np.repeat(image[..., None], _SLICES, axis=2)
        yield denoised(denoiser, _noisy(stack))


def noise_alone(denoiser: Denoiser) -> Iterator[np.ndarray]:
    """Even images and air, with noise."""
    for level in (0.0, 0.5, 1.0):
        yield denoised(denoiser, _noisy(np.full((64, 64, 32), level, np.float32)))


def scans_in(denoiser: Denoiser, folder: Path) -> Iterator[np.ndarray]:
    """The first volume of every scan in a folder and below it, denoised, in multiples of its reference intensity."""
    for path in tqdm(sorted(folder.rglob("*.nii.gz")), desc=folder.name, disable=None):
        image = np.asarray(nibabel.Nifti1Image.from_filename(path).dataobj, dtype=np.float32)
        yield denoised(denoiser, image if image.ndim == 3 else image[..., 0])


def _noisy(image: np.ndarray) -> np.ndarray:
    return add_rician_noise(torch.from_numpy(image), 0.05, generator=torch.Generator().manual_seed(0)).numpy()


if __name__ == "__main__":
    main()
