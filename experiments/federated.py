"""Federated training against training alone: three sites with different scanners, in NVFlare's simulator.

    python -m experiments.federated --output-dir docs --work-dir runs/federated

makes three sites with a few phantom scans each, trains one model on all of them with `apps/federated`, and one at each
site on its scans alone, with as many steps and the same settings: all keep the bundled noise encoder, and train the
rest from scratch. That twice: with one clean scan at each site, and with three. Measures them on scans of other
subjects with the contrast and the noise of each site, where it also tries the models of the other sites. Writes
`federated.csv` and its table in `federated.md`, and logs each federated training as one run in MLflow.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch
from monai.utils import path_to_sqlite_uri

from experiments.short_training import train_once
from experiments.speed_page import fill_page
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.cli.site_configs import VARIABLE
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write, write_json
from monai_unsup_denoise.functional import SCANNER_KINDS, add_scanner_noise
from monai_unsup_denoise.inference import Denoiser

START, END = "<!-- table of federated.csv -->", "<!-- end of the table of federated.csv -->"
APP = Path(__file__).parents[1] / "apps" / "federated"
#: Smaller than the default, so that the experiment takes minutes on a CPU.
NETWORK = {"channels": [16, 32], "blocks": [1, 1]}
NOISE_CODE = {"sigma": "@code_sigma", "spread": "@code_spread"}
#: Of the objective: the noise encoder, which is trained by the other terms, stays as it is.
WEIGHTS = {"cycle": 4.0, "code": 0.0, "likelihood": 0.0, "kl": 0.0}
PATCH = [24, 24, 24]
SLICES, SPACING = 24, 2
LEVELS = (5.0, 15.0)
TEST_SUBJECTS = (11, 61, 63)  # in no training set
CLEAN_SCANS = (1, 3)  # at each site; of three, one is held out from the training
COLUMNS = ("clean_scans", "site", "contrast", "noise", "subject", "level", "noisy", "own", "others", "federated")


@dataclass(frozen=True)
class Site:
    """A place with a scanner: its scans are of one contrast and kind of noise."""

    name: str
    contrast: str
    noise: str
    noisy_subjects: tuple[int, ...]
    clean_subjects: tuple[int, ...]


SITES = (
    Site("north", "T1w", "white", (0, 1), (4, 5, 6)),
    Site("south", "PDw", "zero_filled", (2, 3), (7, 12, 13)),
    Site("west", "T2w", "sum_of_squares", (14, 15), (16, 17, 18)),
)


def main() -> None:
    """Train with each number of scans, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs"), help="folder for federated.csv")
    parser.add_argument("--work-dir", type=Path, default=Path("runs/federated"), help="folder for scans and trainings")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300, help="of training in each round")
    options = parser.parse_args()
    rows = []
    for clean in CLEAN_SCANS:
        folder = options.work_dir.absolute() / f"{clean}_clean"
        models = train(folder, clean, rounds=options.rounds, steps=options.steps)
        for site in SITES:
            of_site = {"clean_scans": clean, "site": site.name, "contrast": site.contrast, "noise": site.noise}
            rows += [of_site | row for row in test(site, models)]
    results = pd.DataFrame(rows, columns=list(COLUMNS))
    with atomic_write(options.output_dir / "federated.csv") as partial:
        results.to_csv(partial, index=False, float_format="%.3f")
    fill_page(options.output_dir / "federated.md", START, END, federated_table(results))
    print(federated_table(results), end="")


def train(work: Path, clean: int, *, rounds: int, steps: int) -> dict[str, Path]:
    """Weights of every site's own training, and of all sites together: "federated"."""
    settings = make_sites(work, clean)
    shared = train_together(work, settings, rounds=rounds, steps=steps)
    alone: dict[str, Any] = {"max_epochs": rounds, "iterations_per_epoch": steps, "val_interval": 1}
    # The same config, phantoms for the validation included, but with the usual handler in place of the rounds.
    handler = {"_target_": "ValidationHandler", "validator": "@validate#evaluator", "interval": 1}
    alone["train#handlers#3"] = str(handler)
    folders = [work / "alone" / site.name for site in SITES]
    configs = [["train_federated.json", str(settings / f"{site.name}.json")] for site in SITES]
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # each training is a process of its own
        list(pool.map(train_once, folders, [alone] * len(SITES), configs))
    return {site.name: folder / "model.pt" for site, folder in zip(SITES, folders, strict=True)} | {"federated": shared}


def make_sites(work: Path, clean: int) -> Path:
    """Write the scans and the settings of every site, with so many clean scans; return the folder of the settings."""
    folder = work / "sites"
    _save_noise_encoder(work / "noise_encoder.pt")
    for site in SITES:
        scans = work / "scans" / site.name
        for subject, level in zip(site.noisy_subjects, (5.0, 12.0), strict=True):
            _save(scans / "noisy" / f"sub-{subject}.nii.gz", with_noise(clean_scan(site, subject), site, level))
        for subject in site.clean_subjects[:clean]:
            _save(scans / "clean" / f"sub-{subject}.nii.gz", clean_scan(site, subject))
        own = {"noisy_dir": str(scans / "noisy"), "clean_dir": str(scans / "clean")}
        write_json(folder / f"{site.name}.json", _common(work, site.name) | own)
    write_json(folder / "server.json", _common(work, "server"))
    return folder


def train_together(work: Path, settings: Path, *, rounds: int, steps: int) -> Path:
    """The federated training, unless it was done before; returns the weights of the best global model."""
    model = work / "federated" / "model.pt"
    if not model.exists():
        job, numbers = work / "job", ["--rounds", str(rounds), "--steps", str(steps)]
        command = [sys.executable, str(APP / "job.py"), "--simulate", str(settings), "--output-dir", str(job), *numbers]
        subprocess.run(command, check=True)
        command = [sys.executable, str(APP / "results.py"), str(job / "mri_denoise"), "--output-dir", str(model.parent)]
        subprocess.run(command, check=True, env=os.environ | {VARIABLE: str(settings / "server.json")})
    return model


def test(site: Site, models: dict[str, Path]) -> list[dict[str, Any]]:
    """PSNR in dB of each test subject at each level: noisy, after the site's own model, those of others, and all's."""
    denoisers = {
        name: Denoiser.from_bundle(model=path, settings={**NETWORK, "refine": False}) for name, path in models.items()
    }
    rows = []
    for subject in TEST_SUBJECTS:
        clean = clean_scan(site, subject)
        for level in LEVELS:
            noisy = with_noise(clean, site, level)
            scores = {
                name: psnr(denoiser.denoise_image(denoiser.wrap(noisy)).denoised, clean)
                for name, denoiser in denoisers.items()
            }
            own, federated = scores.pop(site.name), scores.pop("federated")
            row = {"subject": subject, "level": level, "noisy": psnr(noisy, clean)}
            rows.append(row | {"own": own, "others": np.mean([*scores.values()]), "federated": federated})
    return rows


def clean_scan(site: Site, subject: int) -> np.ndarray:
    """The middle of a phantom head with the site's contrast; highest value 1."""
    [item] = phantom_datalist(None, [subject], contrasts=[site.contrast], spacing=SPACING, progress=False)
    scan: Any = nibabel.load(item["image"])
    voxels = scan.get_fdata(dtype=np.float32)
    first = max(0, (voxels.shape[2] - SLICES) // 2)
    return voxels[..., first : first + SLICES] / voxels.max()


def with_noise(clean: np.ndarray, site: Site, level: float) -> np.ndarray:
    """Noise of the site's kind, in percent of the maximum; the seed is the level."""
    generator = torch.Generator().manual_seed(int(level))
    scanner = SCANNER_KINDS[site.noise]
    return add_scanner_noise(torch.from_numpy(clean), level / 100, scanner=scanner, generator=generator).numpy()


def federated_table(results: pd.DataFrame) -> str:
    """A Markdown table: PSNR in dB at each site and level, the mean of the test subjects."""
    results = results.groupby(["clean_scans", "site", "contrast", "noise", "level"], as_index=False).mean()
    names = ("noisy", "own", "others", "federated")
    head = "clean scans | site | contrast | noise | level | noisy | own | of other sites | federated"
    lines = [f"| {head} |", "|" + " --- |" * 9]
    for row in results.to_dict("records"):
        scores = " | ".join(f"{row[name]:.2f}" for name in names)
        site = f"{row['clean_scans']} | {row['site']} | {row['contrast']} | {row['noise']}"
        lines.append(f"| {site} | {row['level']:g} % | {scores} |")
    return "\n".join(lines) + "\n"


def _common(work: Path, name: str) -> dict[str, Any]:
    """Settings of every machine of the federation."""
    folder = work / "trainings" / name
    return {
        **NETWORK,
        "noise_encoder": {
            "_target_": "monai_unsup_denoise.inference.load_weights",
            "network": {"_target_": "monai_unsup_denoise.networks.NoiseReader", **NOISE_CODE},
            "path": str(work / "noise_encoder.pt"),
        },
        "train#objective#weights": WEIGHTS,
        "patch_size": PATCH,
        "output_dir": str(folder),
        "model_path": str(folder / "model.pt"),
        "tracking_uri": path_to_sqlite_uri(folder / "mlruns.db"),
        "clean_data": "$@datalists['clean']",  # of the site alone
        "datalists#spacing": SPACING,  # of the phantoms for the validation
        "validation_levels": list(LEVELS),
        "progress": False,
        "log_pictures": False,
    }


def _save_noise_encoder(path: Path) -> None:
    """The part of the bundled weights that reads the noise."""
    bundled: Any = Denoiser.from_bundle(device="cpu").network
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        torch.save(bundled.noise_encoder.state_dict(), partial)


def _save(path: Path, voxels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as partial:
        nibabel.save(nibabel.Nifti1Image(voxels, np.diag([SPACING, SPACING, 1.0, 1.0])), partial)


if __name__ == "__main__":
    main()
