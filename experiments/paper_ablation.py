"""Ablation of the published method: T1w trainings without each loss term, and with other choices; on a phantom.

    python -m experiments.paper_ablation --output-dir docs/benchmark

trains every variant in `--work-dir` (a finished one is not trained again) and writes `ablation.csv` and `ablation.md`
after each. Further options are those of `mri-denoise benchmark`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.short_training import train_once
from monai_unsup_denoise.files import atomic_write

WEIGHT = "train#objective#weights#"
TERMS: dict[str, dict[str, Any]] = {
    "all terms": {},
    "without KL (2)": {WEIGHT + "kl": 0},
    "without adversarial (3) (5)": {WEIGHT + "adversarial_high": 0, WEIGHT + "adversarial_low": 0},
    "without cycle (7)": {WEIGHT + "cycle": 0},
    "without perceptual (10)": {WEIGHT + "perceptual": 0},
}
#: Choices that the paper leaves open, each changed alone.
CHOICES: dict[str, dict[str, Any]] = {
    "G_L draws no noise": {"generator_low": "%generator_high"},
    "G_L may change the image": {
        "generator_low": {
            "_target_": "experiments.contrast_changing_generator.ContrastChangingGenerator",
            "spatial_dims": 2,
            "out_channels": 1,
            "code_channels": 8,
            "channels": "@channels",
            "blocks": "@blocks",
        }
    },
    "discriminators of MONAI": {
        "discriminator_high": {
            "_target_": "monai.networks.nets.PatchDiscriminator",
            "spatial_dims": 2,
            "in_channels": 1,
            "channels": 32,
            "num_layers_d": 2,
            "norm": "INSTANCE",
        }
    },  # fmt: skip
    "one learning rate": {"noise_learning_rate": "@learning_rate"},
    "adversarial (3) as strong as (5)": {WEIGHT + "adversarial_high": 2.0},
    "cycle weighted 10": {WEIGHT + "cycle": 10.0},
}
BUDGET = {"max_epochs": 6, "iterations_per_epoch": 100, "datalists#contrasts": ["T1w"], "progress": False}
SEEDS = (0, 1)  # of the trainings without a term; the others have the first
LEVELS = (5, 15, 30)
VOLUME = "phantom_t1w"
_IN_FILE_NAMES = str.maketrans({" ": "_", "(": None, ")": None})
COLUMNS = ("variant", "training_seed", "volume", "level", "slices", "psnr", "psnr_fg", "ssim_3d")


def main() -> None:
    """Train and measure every variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs/benchmark"), help="folder for the two tables")
    parser.add_argument(
        "--work-dir", type=Path, default=Path("runs/paper_ablation"), help="folder for trainings and cells"
    )
    options, rest = parser.parse_known_args()
    trainings = [(name, seed) for name in TERMS for seed in SEEDS] + [(name, SEEDS[0]) for name in CHOICES]
    measured = []
    for number, (name, seed) in enumerate(trainings, start=1):
        folder = options.work_dir.absolute() / f"{name.translate(_IN_FILE_NAMES)}_seed_{seed}"
        print(f"{number}/{len(trainings)} {name}, seed {seed}", flush=True)
        settings = {"model_path": folder / "model_paper.pt", "seed": seed, **BUDGET, **{**TERMS, **CHOICES}[name]}
        train_once(folder, settings, ["train_paper.json"])
        rows = measure_variant(folder, rest).assign(variant=name, training_seed=seed)
        measured.append(rows[list(COLUMNS)])
        write_tables(options.output_dir, pd.concat(measured))


def write_tables(folder: Path, results: pd.DataFrame) -> None:
    """Write `ablation.csv` and `ablation.md`."""
    with atomic_write(folder / "ablation.csv") as partial:
        results.to_csv(partial, index=False)
    with atomic_write(folder / "ablation.md") as partial:
        partial.write_text(ablation_table(results), encoding="utf-8")


def measure_variant(folder: Path, options: list[str]) -> pd.DataFrame:
    """Rows of the benchmark for the weights in `folder`."""
    command = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()", "benchmark", *options]
    command += ["--method", "paper", "--volume", VOLUME, *(f"--level={level}" for level in LEVELS)]
    subprocess.run([*command, "--models-dir", str(folder), "--output-dir", str(folder / "benchmark")], check=True)
    results = pd.read_csv(folder / "benchmark" / "results.csv")
    return results[results["method"] == "paper"]


def ablation_table(results: pd.DataFrame) -> str:
    """A Markdown table, variants by levels: PSNR in dB of each training seed, and the mean of their 3-D SSIM."""
    levels = sorted(results["level"].unique())
    lines = [
        f"| {VOLUME} | " + " | ".join(f"{level:g} %" for level in levels) + " |",
        "| --- |" + " --- |" * len(levels),
    ]
    for name, rows in results.sort_values("training_seed", kind="stable").groupby("variant", sort=False):
        cells = []
        for level in levels:
            cell = rows[rows["level"] == level]
            cells.append(f"{', '.join(f'{psnr:.1f}' for psnr in cell.psnr)} / {cell.ssim_3d.mean():.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
