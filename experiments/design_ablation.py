"""What each idea of the physics-guided model is worth: short trainings with one thing changed.

    python -m experiments.design_ablation --output-dir docs --work-dir runs/ideas

trains every variant on phantoms, measures it on phantom subject 10, which no training sees, and writes `quality.csv`
after each; a finished variant is not trained again. Mean PSNR of T1w, PDw and T2w at 5, 15 and 30 % noise.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from monai.utils import path_to_sqlite_uri

from experiments.short_training import train_once
from monai_unsup_denoise.files import atomic_write

LEVELS = (5, 15, 30)
BUDGET = {
    "blocks": 1,  # as train.json had them when the ideas were compared
    "max_epochs": 8,
    "val_interval": 8,
    "iterations_per_epoch": 100,
    "patch_size": [32, 32, 32],
    "validation_levels": list(LEVELS),
    "progress": False,
}
COLUMNS = ("idea", "predicted", "kept", "left_out", "psnr", *(f"psnr_{level:02d}" for level in LEVELS), "seconds")


@dataclass(frozen=True)
class Idea:
    """One thing done otherwise than in `train.json`.

    Attributes:
        predicted: gain in dB that was expected of it, before it was tried.
        kept: whether `train.json` has it now.
        changes: values of the config by id.
        configs: laid over `train.json`.
        left_out: whether the variant trains *without* it, as those do that `BUDGET` has.
    """

    predicted: str
    kept: bool
    changes: dict[str, Any] = field(default_factory=dict)
    configs: tuple[str, ...] = ()
    left_out: bool = False


_OBJECTIVE = "train#objective#"
_CLEAN = "train#clean_transform#transforms#"
_ADAM = {"_target_": "torch.optim.Adam", "params": "$@generators.parameters()", "lr": "@learning_rate"}
_LOG_ERROR = {"_target_": "monai_unsup_denoise.losses.log_mean_absolute", "_mode_": "callable"}
_CROP = {"_target_": "RandSpatialCropd", "keys": "image", "roi_size": "@patch_size", "random_size": False}
_FLIPS = {
    "_target_": "Compose",
    "transforms": [{"_target_": "RandFlipd", "keys": "image", "prob": 0.5, "spatial_axis": axis} for axis in (0, 2)],
}
_SLABS = {
    "spatial_dims": 2,
    "patch_size": [80, 80, 5],
    "blocks": 2,
    "validate#inferer": {"_target_": "monai_unsup_denoise.inference.SlabInferer", "depth": 5},
}
IDEAS: dict[str, Idea] = {
    "as it is": Idea("", kept=True),
    "3-D network instead of 2-D over five slices": Idea("+1", True, _SLABS, left_out=True),
    "every noise level brought to one": Idea("+0.3", True, {"network#working_sigma": "$None"}, left_out=True),
    "Muon instead of Adam": Idea("+0.3", True, {"train#optimizers#generator": _ADAM}, left_out=True),
    "root mean square error, not log of the mean absolute": Idea(
        "+0.2", True, {_OBJECTIVE + "error": _LOG_ERROR}, left_out=True
    ),
    "adversarial losses": Idea(
        "-0.1",
        False,
        {
            _OBJECTIVE + "weights#adversarial_high": 0.0005,
            _OBJECTIVE + "weights#adversarial_low": 0.001,
        },
    ),
    "codes from the prior beside those of noisy images": Idea(
        "+0.1", True, {_OBJECTIVE + "prior_fraction": 0.0}, left_out=True
    ),
    "noise that varies over the image": Idea("0", True, {_OBJECTIVE + "variation": 1.0}, left_out=True),
    "smoothed and remapped phantoms": Idea(
        "-0.1", True, {_CLEAN + "4#prob": 0.0, _CLEAN + "5#prob": 0.0}, left_out=True
    ),
    "patches from 1 to 1.5 times as large, resampled": Idea("+0.1", True, {_CLEAN + "0": _CROP}, left_out=True),
    "moving average of the weights": Idea("+0.2", True, {"ema_decay": 0.0}, left_out=True),
    "patches of 48 voxels, one at a time": Idea("+0.1", False, {"patch_size": [48, 48, 48], "batch_size": 1}),
    "wider network, 48 to 192 features": Idea("+0.2", False, {"channels": [48, 96, 192]}),
    "16 features at full resolution instead of 32": Idea("-0.2", False, {"channels": [16, 64, 128]}),
    "half the learning rate": Idea("-0.1", False, {"learning_rate": 0.0005}),
    "twice the learning rate": Idea("-0.1", False, {"learning_rate": 0.002}),
    "two blocks at each scale": Idea("+0.2", False, {"blocks": 2}),
    "flips along the third axis too": Idea("+0.1", False, {_CLEAN + "1": _FLIPS}),
    "another seed, to see chance": Idea("0", False, {"seed": 1, "datalists#seed": 0}),
    "true pairs": Idea("+0.2", False, {}, ("train_paired.json",)),
    "16 features, but two blocks": Idea("+0.2", False, {"channels": [16, 64, 128], "blocks": 2}),
    "two blocks at the two finer scales": Idea("+0.2", True, {"blocks": [2, 2, 1]}),
    "three blocks at the two finer scales": Idea("+0.3", False, {"blocks": [3, 3, 1]}),
}


def main() -> None:
    """Train and measure every variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs"), help="folder for quality.csv")
    parser.add_argument("--work-dir", type=Path, default=Path("runs/ideas"), help="folder for the trainings")
    parser.add_argument("--idea", action="append", choices=IDEAS, help="only this one; can be repeated")
    options = parser.parse_args()
    rows = []
    for number, (name, idea) in enumerate(IDEAS.items(), start=1):
        folder = options.work_dir.absolute() / f"idea_{number:02d}"
        if options.idea and name not in options.idea and not (folder / "finished").exists():
            continue
        print(f"{number}/{len(IDEAS)} {name}", flush=True)
        seconds = train_once(folder, {**BUDGET, **idea.changes}, idea.configs)
        about = {"idea": name, "predicted": idea.predicted, "kept": idea.kept, "left_out": idea.left_out}
        rows.append({**about, **measured(folder), "seconds": seconds})
        with atomic_write(options.output_dir / "quality.csv") as partial:
            pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(partial, index=False, float_format="%.3f")


def measured(folder: Path) -> dict[str, float]:
    """Validation PSNR of the training in `folder`, over all and by level."""
    from mlflow import MlflowClient

    client = MlflowClient(path_to_sqlite_uri(folder / "mlruns.db"))
    [run] = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    names = ["psnr", *(f"psnr_{level:02d}" for level in LEVELS)]
    return {name: run.data.metrics[f"val/{name}"] for name in names}


def quality_table(results: pd.DataFrame) -> str:
    """A Markdown table: each idea, its predicted and measured gain in dB, and whether it was kept."""
    base = results.set_index("idea").loc["as it is"]
    lines = ["| idea | predicted | measured | at 5 / 15 / 30 % | kept |", "| --- | --- | --- | --- | --- |"]
    for row in results[results["idea"] != "as it is"].to_dict("records"):
        sign = -1 if row["left_out"] else 1  # its loss is its gain
        gains = [
            round(sign * (row[name] - base[name]), 2) + 0.0
            for name in ("psnr", *(f"psnr_{level:02d}" for level in LEVELS))
        ]
        each = " / ".join(f"{gain:+.2f}" for gain in gains[1:])
        predicted, kept = f"{float(row['predicted']):+g}", "yes" if row["kept"] else "no"
        lines.append(f"| {row['idea']} | {predicted} | {gains[0]:+.2f} | {each} | {kept} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
