"""Fine-tuning: the gain of starting from trained weights, on a contrast that they have not seen.

    python -m experiments.fine_tuning --output-dir docs --work-dir runs/fine_tuning

trains on T1w and PDw phantoms and measures on T2w: these weights; the same with more steps; fine-tuned on noisy T2w
scans and their denoised versions, without a clean image; fine-tuned by recorruption (`train_selfsup.json`); fine-tuned
on unpaired T2w; and a network trained from scratch for as many steps. PSNR of phantom subject 10, which no training
sees. Writes `transfer.csv` and prints it as a table.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch

from experiments.short_training import train_once
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser

LEVELS = (5, 15, 30)
KNOWN, NEW = ["T1w", "PDw"], ["T2w"]
NOISY_SUBJECTS, HELD_OUT = (0, 1, 2, 3), 10
SLICES = 12
STEPS, FEW_STEPS = 1600, 100
NETWORK = {"blocks": 1, "refine": False}  # as in train.json when this was measured; the network only
COLUMNS = ("training", *(f"psnr_{level:02d}" for level in LEVELS))


def main() -> None:
    """Train, fine-tune and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs"), help="folder for transfer.csv")
    parser.add_argument("--work-dir", type=Path, default=Path("runs/fine_tuning"), help="folder for the trainings")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the training on T1w and PDw")
    parser.add_argument("--few-steps", type=int, default=FEW_STEPS, help="of each training on T2w")
    options = parser.parse_args()
    work, steps = options.work_dir.absolute(), options.few_steps
    few, new, known = budget(steps), {"datalists#contrasts": NEW}, {"datalists#contrasts": KNOWN}
    train_once(work / "known", {**budget(options.steps), **known})
    weights = work / "known" / "model.pt"
    fine = {**few, "pretrained": weights, "learning_rate": 0.0002}
    noisy = noisy_scans(work / "noisy")
    denoised = denoised_scans(work / "denoised", noisy, weights)
    train_once(work / "more", {**fine, **known})
    train_once(work / "denoised_as_clean", {**fine, "noisy_dir": noisy, "clean_dir": denoised})
    # Without a clean image there is nothing to validate on: the last weights count.
    train_once(work / "recorrupted", {**fine, "noisy_dir": noisy, "val_interval": 2}, ["train_selfsup.json"])
    train_once(work / "unpaired", {**fine, **new})
    train_once(work / "scratch", {**few, **new})
    names = {
        f"T1w and PDw, {options.steps} steps": "known",
        f"then {steps} further steps of the same": "more",
        f"then {steps} steps on noisy T2w scans and their denoised versions": "denoised_as_clean",
        f"then {steps} steps on noisy T2w scans only, recorrupted": "recorrupted",
        f"then {steps} steps on unpaired T2w": "unpaired",
        f"{steps} steps on unpaired T2w, from scratch": "scratch",
    }
    rows = [{"training": name, **held_out_scores(work / folder / "model.pt")} for name, folder in names.items()]
    results = pd.DataFrame(rows, columns=list(COLUMNS))
    with atomic_write(options.output_dir / "transfer.csv") as partial:
        results.to_csv(partial, index=False, float_format="%.3f")
    print(fine_tuning_table(results), end="")


def budget(steps: int) -> dict[str, Any]:
    """Settings of a training of so many steps, validated once at its end."""
    once = {"max_epochs": 1, "iterations_per_epoch": steps, "val_interval": 1, "validation_levels": list(LEVELS)}
    once["clean_data"] = "$@datalists['clean']"  # of the contrast alone
    return {**NETWORK, **once, "progress": False, "log_pictures": False, "experiment_name": "fine_tuning"}


def noisy_scans(folder: Path) -> Path:
    """Write T2w phantoms with 5 to 30 % noise, as the scans of a user."""
    folder.mkdir(parents=True, exist_ok=True)
    for item, level in zip(_phantoms(NOISY_SUBJECTS), (5, 10, 20, 30), strict=True):
        path = folder / Path(item["image"]).name
        if not path.exists():
            scan: Any = nibabel.load(item["image"])
            _save(path, _add_noise(scan.get_fdata(dtype=np.float32), level), scan.affine)
    return folder


def denoised_scans(folder: Path, noisy: Path, weights: Path) -> Path:
    """Write the scans in ``noisy``, denoised: the clean images of a fine-tuning that has none."""
    denoiser = Denoiser.from_bundle(model=weights, settings=NETWORK)
    folder.mkdir(parents=True, exist_ok=True)
    for scan in sorted(noisy.iterdir()):
        path = folder / scan.name
        if not path.exists():
            volume = denoiser.denoise(scan)
            _save(path, volume.denoised, volume.affine)
    return folder


def held_out_scores(weights: Path) -> dict[str, float]:
    """PSNR in dB of the middle slices of the held-out scan at each level."""
    denoiser = Denoiser.from_bundle(model=weights, settings=NETWORK)
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


def fine_tuning_table(results: pd.DataFrame) -> str:
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
    """Rician noise in percent of the maximum; the seed is the level."""
    sigma = float(clean.max()) * level / 100
    return add_rician_noise(torch.from_numpy(clean), sigma, generator=torch.Generator().manual_seed(level)).numpy()


if __name__ == "__main__":
    main()
