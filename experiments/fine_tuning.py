"""What it is worth to start from given weights: the noise of a contrast that the weights have not seen.

    python -m experiments.fine_tuning --output-dir docs --work-dir runs/transfer

trains on T1w and PDw phantoms alone, then measures on T2w: these weights as they are; trained further on what they
know; fine-tuned on noisy T2w scans and what they make of them, with no clean image; the same by recorruption
(`train_selfsup.json`); trained further on unpaired T2w; and a network that saw no more than those last steps. PSNR of
phantom subject 10, which no training sees. Writes `transfer.csv` and prints it as a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from pydoc import locate
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch

from experiments.model_checks import DENOISER
from experiments.short_training import train_once
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise

LEVELS = (5, 15, 30)
KNOWN, NEW = ["T1w", "PDw"], ["T2w"]
NOISY_SUBJECTS, HELD_OUT = (0, 1, 2, 3), 10
SLICES = 12
STEPS, FEW_STEPS = 1600, 100
NETWORK = {"blocks": 1, "fast": True}  # as it was when this was measured, and without the second look
COLUMNS = ("training", *(f"psnr_{level:02d}" for level in LEVELS))


def main() -> None:
    """Train, fine-tune and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs"), help="folder for transfer.csv")
    parser.add_argument("--work-dir", type=Path, default=Path("runs/transfer"), help="folder for the trainings")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the training on T1w and PDw")
    parser.add_argument("--few-steps", type=int, default=FEW_STEPS, help="of each training on T2w")
    options = parser.parse_args()
    work = options.work_dir.absolute()
    few, new = budget(options.few_steps), {"datalists#contrasts": NEW}
    train_once(work / "known", {**budget(options.steps), "datalists#contrasts": KNOWN})
    given = {"pretrained": work / "known" / "model.pt", "learning_rate": 0.0002}
    noisy = noisy_scans(work / "noisy")
    denoised = denoised_scans(work / "denoised", noisy, work / "known" / "model.pt")
    train_once(work / "more", {**few, **given, "datalists#contrasts": KNOWN})
    train_once(work / "own", {**few, **given, "noisy_dir": noisy, "clean_dir": denoised})
    alone = {"noisy_dir": noisy, "val_interval": 2}  # no truth to validate on: the last weights
    train_once(work / "alone", {**few, **given, **alone}, ["train_selfsup.json"])
    train_once(work / "further", {**few, **given, **new})
    train_once(work / "scratch", {**few, **new})
    names = {
        f"T1w and PDw, {options.steps} steps": "known",
        f"then {options.few_steps} steps more of the same": "more",
        f"or then {options.few_steps} steps on noisy T2w scans and what these weights make of them": "own",
        f"or then {options.few_steps} steps on noisy T2w scans alone, recorrupted": "alone",
        f"or then {options.few_steps} steps on unpaired T2w": "further",
        f"{options.few_steps} steps on unpaired T2w, from nothing": "scratch",
    }
    rows = [{"training": name, **measured(work / folder / "model.pt")} for name, folder in names.items()]
    results = pd.DataFrame(rows, columns=list(COLUMNS))
    with atomic_write(options.output_dir / "transfer.csv") as partial:
        results.to_csv(partial, index=False, float_format="%.3f")
    print(transfer_table(results), end="")


def budget(steps: int) -> dict[str, Any]:
    """Settings of a training of so many steps, validated once at its end."""
    once = {"max_epochs": 1, "iterations_per_epoch": steps, "val_interval": 1, "validation_levels": list(LEVELS)}
    return {**NETWORK, **once, "progress": False, "log_pictures": False, "experiment_name": "transfer"}


def noisy_scans(folder: Path) -> Path:
    """Noisy T2w scans on disk, as a user has them: phantoms with 5 to 30 % noise."""
    folder.mkdir(parents=True, exist_ok=True)
    for item, level in zip(_phantoms(NOISY_SUBJECTS), (5, 10, 20, 30), strict=True):
        path = folder / Path(item["image"]).name
        if not path.exists():
            scan: Any = nibabel.load(item["image"])
            _save(path, _add_noise(scan.get_fdata(dtype=np.float32), level), scan.affine)
    return folder


def denoised_scans(folder: Path, noisy: Path, weights: Path) -> Path:
    """What ``weights`` make of the scans in ``noisy``, on disk: the clean images of a fine-tuning that has none."""
    made: Any = locate(DENOISER)
    denoiser = made(model=weights, settings=NETWORK)
    folder.mkdir(parents=True, exist_ok=True)
    for scan in sorted(noisy.iterdir()):
        path = folder / scan.name
        if not path.exists():
            volume = denoiser.denoise(scan)
            _save(path, volume.denoised, volume.affine)
    return folder


def measured(weights: Path) -> dict[str, float]:
    """PSNR of the middle slices of the held-out scan at each level, in dB."""
    made: Any = locate(DENOISER)
    denoiser = made(model=weights, settings=NETWORK)
    [item] = _phantoms([HELD_OUT])
    scan: Any = nibabel.load(item["image"])
    clean = scan.get_fdata(dtype=np.float32)
    first = (clean.shape[2] - SLICES) // 2
    clean = clean[..., first : first + SLICES] / clean.max()
    scores = {}
    for level in LEVELS:
        denoised = denoiser.denoise_image(denoiser.wrap(_add_noise(clean, level))).denoised
        scores[f"psnr_{level:02d}"] = psnr(denoised, clean)
    return scores


def transfer_table(results: pd.DataFrame) -> str:
    """A Markdown table: each training and its PSNR in dB."""
    lines = ["| training | " + " | ".join(f"{level} %" for level in LEVELS) + " |"]
    lines.append("| --- |" + " --- |" * len(LEVELS))
    for row in results.to_dict("records"):
        lines.append(f"| {row['training']} | " + " | ".join(f"{row[name]:.2f}" for name in COLUMNS[1:]) + " |")
    return "\n".join(lines) + "\n"


def _phantoms(subjects: Sequence[int]) -> list[dict[str, Any]]:
    return phantom_datalist(None, subjects, contrasts=NEW, progress=False)


def _save(path: Path, voxels: np.ndarray, affine: np.ndarray) -> None:
    with atomic_write(path) as partial:
        nibabel.save(nibabel.Nifti1Image(voxels, affine), partial)


def _add_noise(clean: np.ndarray, level: int) -> np.ndarray:
    """Rician noise in percent of the maximum; the same for the same level."""
    sigma = float(clean.max()) * level / 100
    return add_rician_noise(torch.from_numpy(clean), sigma, generator=torch.Generator().manual_seed(level)).numpy()


if __name__ == "__main__":
    main()
