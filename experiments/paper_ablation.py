"""Ablation of the published method: short trainings without each loss term, measured at 15 % noise.

    python -m experiments.paper_ablation --output-dir docs/benchmark --volume NAME=SCAN ...

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
VARIANTS: dict[str, dict[str, Any]] = {
    "all terms": {},
    "without KL (2)": {WEIGHT + "kl": 0},
    "without adversarial (3) (5)": {WEIGHT + "adversarial_high": 0, WEIGHT + "adversarial_low": 0},
    "without cycle (7)": {WEIGHT + "cycle": 0},
    "without perceptual (10)": {WEIGHT + "perceptual": 0},
}
BUDGET = {"max_epochs": 4, "iterations_per_epoch": 100, "batch_size": 4, "progress": False}
LEVEL = 15
COLUMNS = ("variant", "volume", "level", "seed", "slices", "psnr", "psnr_fg", "ssim_3d")


def main() -> None:
    """Train and measure every variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs/benchmark"), help="folder for the two tables")
    parser.add_argument(
        "--work-dir", type=Path, default=Path("runs/paper_ablation"), help="folder for trainings and cells"
    )
    options, rest = parser.parse_known_args()
    measured = []
    for number, (name, overrides) in enumerate(VARIANTS.items(), start=1):
        folder = options.work_dir.absolute() / f"variant_{number}"
        print(f"{number}/{len(VARIANTS)} {name}", flush=True)
        settings = {"model_path": folder / "model_paper.pt", "validation_levels": [LEVEL], **BUDGET, **overrides}
        train_once(folder, settings, ["train_paper.json"])
        measured.append(measure_variant(folder, rest).assign(variant=name)[list(COLUMNS)])
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
    command += ["--method", "noisy", "--method", "paper", "--level", str(LEVEL)]
    subprocess.run([*command, "--models-dir", str(folder), "--output-dir", str(folder / "benchmark")], check=True)
    results = pd.read_csv(folder / "benchmark" / "results.csv")
    return results[results["method"] == "paper"]


def ablation_table(results: pd.DataFrame) -> str:
    """A Markdown table, variants by volumes, PSNR in dB / 3-D SSIM."""
    volumes = list(dict.fromkeys(results["volume"]))
    lines = [f"| {LEVEL} % | " + " | ".join(volumes) + " |", "| --- |" + " --- |" * len(volumes)]
    for name, rows in results.groupby("variant", sort=False):
        by_volume = rows.groupby("volume")[["psnr", "ssim_3d"]].mean()
        cells = [f"{by_volume.psnr[volume]:.2f} / {by_volume.ssim_3d[volume]:.3f}" for volume in volumes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
