"""Train the error head, calibrate it by risk control, and measure what its intervals cover.

    python -m experiments.uncertainty

draws and denoises crops of phantom heads of no other training (in `--work-dir`; those that are there are kept), writes
the weights of the head into the bundle, and the table to `docs/uncertainty.csv`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from experiments.uncertainty.calibration import DOUBT, calibrate, coverage
from experiments.uncertainty.crops import Crop, crop_folder, denoised_crops
from experiments.uncertainty.fit import fit_error_head
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.inference.calibration import write_calibration

_FIRST = {"training": 5000, "calibration": 6000, "test": 7000}  # numbers of subjects; nothing else draws them


def main() -> None:
    """Make the crops, the weights and the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work-dir", type=Path, default=Path("runs/uncertainty"), help="folder for the crops")
    parser.add_argument("--output-dir", type=Path, default=bundle_folder() / "models", help="folder of the calibration")
    parser.add_argument("--table", type=Path, default=Path("docs/uncertainty.csv"))
    parser.add_argument("--training", type=int, default=60, help="crops to train on")
    parser.add_argument("--calibration", type=int, default=130, help="crops to calibrate on")
    parser.add_argument("--test", type=int, default=50, help="crops to measure on")
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    weights = options.output_dir / "model.pt"
    denoiser = Denoiser.from_bundle(model=weights)
    crops: dict[str, list[Crop]] = {}
    for name, first in _FIRST.items():
        subjects = range(first, first + getattr(options, name))
        crops[name] = list(denoised_crops(subjects, folder=crop_folder(options.work_dir, weights), denoiser=denoiser))
    head = fit_error_head(crops["training"], steps=options.steps)
    factors = calibrate(crops["calibration"], lambda crop: crop.half_widths(head))
    print(f"factors {factors}")
    head.factors.copy_(torch.tensor(factors))
    with atomic_write(options.output_dir / "error_head.pt") as partial:
        torch.save(head.state_dict(), partial)
    found = {"crops": options.calibration, "doubt": DOUBT}
    write_calibration(options.output_dir, model_path=weights, error_head=found)
    with atomic_write(options.table) as partial:
        coverage(crops["test"], lambda crop: crop.half_widths(head)).round(4).to_csv(partial, index=False)


if __name__ == "__main__":
    main()
