"""Design ablation of the physics-guided model: short trainings with one change each.

    python -m experiments.design_ablation --output-dir docs --work-dir runs/design_ablation

trains every variant on phantoms, measures it on phantom subject 10, which no training sees, and writes `quality.csv`
after each; a finished variant is not trained again. PSNR is the mean of T1w, PDw and T2w at 5, 15 and 30 % noise.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from monai.bundle import ConfigParser
from monai.utils import path_to_sqlite_uri

from experiments.short_training import train_once
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.files import atomic_write

LEVELS = (5, 15, 30)
BUDGET = {
    "blocks": 1,  # as in train.json when the variants were measured
    "max_epochs": 8,
    "val_interval": 8,
    "iterations_per_epoch": 100,
    "patch_size": [32, 32, 32],
    "validation_levels": list(LEVELS),
    "progress": False,
}
SCORES = ("psnr", *(f"psnr_{level:02d}" for level in LEVELS))
COLUMNS = ("variant", "predicted", "kept", "left_out", *SCORES, "seconds")
REFERENCE = "reference training"


@dataclass(frozen=True)
class Variant:
    """One change of the reference training, which is `train.json` with `BUDGET`.

    Attributes:
        predicted: gain in dB, written down before the measurement.
        kept: whether `train.json` has it now.
        changes: values of the config by id.
        configs: laid over `train.json`.
        left_out: whether the change removes an ingredient of the reference; the loss is then the gain of having it.
    """

    predicted: str
    kept: bool
    changes: dict[str, Any] = field(default_factory=dict)
    configs: tuple[str, ...] = ()
    left_out: bool = False


def _of_default_training(*keys: str) -> dict[str, Any]:
    """Values of `train.json`, against those of a preset."""
    parser = ConfigParser()
    parser.read_config(str(bundle_folder() / "configs" / "train.json"))
    return {key: parser[key] for key in keys}


_OBJECTIVE = "train#objective#"
_CLEAN = "train#clean_transform#transforms#"
_ADAM = {"_target_": "torch.optim.Adam", "params": "$@generators.parameters()", "lr": "@learning_rate"}
_LOG_ERROR = {"_target_": "experiments.log_error.log_mean_absolute", "_mode_": "callable"}
_CROP = {"_target_": "RandSpatialCropd", "keys": "image", "roi_size": "@patch_size", "random_size": False}
_FLIPS = {
    "_target_": "Compose",
    "transforms": [{"_target_": "RandFlipd", "keys": "image", "prob": 0.5, "spatial_axis": axis} for axis in (0, 2)],
}
# The network of the 2-D preset, with the optimizer, data and code of the default training.
_SLABS = {"patch_size": [80, 80, 5], "blocks": 2, "slab_step": 1} | _of_default_training(
    *("batch_size", "code_sigma", "code_spread", "ema_decay", "datalists#clean_subjects"),
    *("train#optimizers#generator", "train#lr_scheduler#cycle_momentum"),
)
VARIANTS: dict[str, Variant] = {
    REFERENCE: Variant("", True),
    "3-D network instead of 2-D over five slices": Variant("+1", True, _SLABS, ("slab_2d.json",), left_out=True),
    "images scaled to one noise level": Variant("+0.3", True, {"network_def#working_sigma": "$None"}, left_out=True),
    "Muon instead of Adam": Variant("+0.3", True, {"train#optimizers#generator": _ADAM}, left_out=True),
    "root mean square error, not log of the mean absolute": Variant(
        "+0.2", True, {_OBJECTIVE + "error": _LOG_ERROR}, left_out=True
    ),
    "adversarial losses": Variant("-0.1", False, configs=("adversarial.json",)),
    "noise codes from the prior and from noisy images": Variant(
        "+0.1", True, {_OBJECTIVE + "prior_fraction": 0.0}, left_out=True
    ),
    "spatially varying noise": Variant("0", True, {_OBJECTIVE + "variation": 1.0}, left_out=True),
    "random smoothing and gamma of the phantoms": Variant(
        "-0.1", True, {_CLEAN + "4#prob": 0.0, _CLEAN + "5#prob": 0.0}, left_out=True
    ),
    "patches of 1 to 1.5 times the size, resampled": Variant("+0.1", True, {_CLEAN + "0": _CROP}, left_out=True),
    "moving average of the weights": Variant("+0.2", True, {"ema_decay": 0.0}, left_out=True),
    "patches of 48 voxels, batch size 1": Variant("+0.1", False, {"patch_size": [48, 48, 48], "batch_size": 1}),
    "wider network, 48 to 192 features": Variant("+0.2", False, {"channels": [48, 96, 192]}),
    "16 features at full resolution instead of 32": Variant("-0.2", False, {"channels": [16, 64, 128]}),
    "half the learning rate": Variant("-0.1", False, {"learning_rate": 0.0005}),
    "twice the learning rate": Variant("-0.1", False, {"learning_rate": 0.002}),
    "two blocks at each scale": Variant("+0.2", False, {"blocks": 2}),
    "flips along the third axis too": Variant("+0.1", False, {_CLEAN + "1": _FLIPS}),
    "another seed": Variant("0", False, {"seed": 1, "datalists#seed": 0}),
    "true pairs": Variant("+0.2", False, configs=("train_paired.json",)),
    "16 features and two blocks": Variant("+0.2", False, {"channels": [16, 64, 128], "blocks": 2}),
    "two blocks at the two finer scales": Variant("+0.2", True, {"blocks": [2, 2, 1]}),
    "three blocks at the two finer scales": Variant("+0.3", False, {"blocks": [3, 3, 1]}),
}


def main() -> None:
    """Train and measure every variant."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=Path("docs"), help="folder for quality.csv")
    parser.add_argument("--work-dir", type=Path, default=Path("runs/design_ablation"), help="folder for the trainings")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="only this one; can be repeated")
    options = parser.parse_args()
    rows = []
    for number, (name, variant) in enumerate(VARIANTS.items(), start=1):
        folder = options.work_dir.absolute() / f"variant_{number:02d}"
        if options.variant and name not in options.variant and not (folder / "finished").exists():
            continue
        print(f"{number}/{len(VARIANTS)} {name}", flush=True)
        seconds = train_once(folder, {**BUDGET, **variant.changes}, variant.configs)
        row = {"variant": name, "predicted": variant.predicted, "kept": variant.kept, "left_out": variant.left_out}
        rows.append({**row, **validation_scores(folder), "seconds": seconds})
        with atomic_write(options.output_dir / "quality.csv") as partial:
            pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(partial, index=False, float_format="%.3f")


def validation_scores(folder: Path) -> dict[str, float]:
    """Validation PSNR of the training in `folder`, mean and by level."""
    from mlflow import MlflowClient

    client = MlflowClient(path_to_sqlite_uri(folder / "mlruns.db"))
    [run] = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    return {name: run.data.metrics[f"val/{name}"] for name in SCORES}


def quality_table(results: pd.DataFrame) -> str:
    """A Markdown table: each variant, its predicted and measured gain in dB, and whether it was kept."""
    reference = results.set_index("variant").loc[REFERENCE]
    lines = ["| variant | predicted | measured | at 5 / 15 / 30 % | kept |", "| --- | --- | --- | --- | --- |"]
    for row in results[results["variant"] != REFERENCE].to_dict("records"):
        sign = -1 if row["left_out"] else 1
        gains = [round(sign * (row[name] - reference[name]), 2) + 0.0 for name in SCORES]
        levels = " / ".join(f"{gain:+.2f}" for gain in gains[1:])
        predicted, kept = f"{float(row['predicted']):+g}", "yes" if row["kept"] else "no"
        lines.append(f"| {row['variant']} | {predicted} | {gains[0]:+.2f} | {levels} | {kept} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
