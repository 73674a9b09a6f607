"""What the intervals of the bootstrap cover, which other weights than the bundled ones have, beside the error head's.

    python -m experiments.uncertainty.bootstrap

reads the test crops that `python -m experiments.uncertainty` has denoised, and writes `docs/uncertainty_bootstrap.csv`:
of each, both coverages on the same crops.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.uncertainty.calibration import HalfWidths, coverage
from experiments.uncertainty.crops import Crop, crop_folder, read_crop
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings

_MAPS = ("uncertainty", "uncertainty_95")
_FIRST = 7000  # number of the first test subject


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work-dir", type=Path, default=Path("runs/uncertainty"), help="folder of the crops")
    parser.add_argument("--crops", type=int, default=25, help="test crops to denoise again, five times each")
    parser.add_argument("--table", type=Path, default=Path("docs/uncertainty_bootstrap.csv"))
    options = parser.parse_args()
    weights = bundle_folder() / "models" / "model.pt"
    folder = crop_folder(options.work_dir, weights)
    crops = [read_crop(folder / f"{number}.npz") for number in range(_FIRST, _FIRST + options.crops)]
    denoiser = Denoiser.from_bundle(model=weights)
    head = denoiser.error_head
    denoiser.error_head = None
    methods = {"error head": lambda crop: crop.half_widths(head), "bootstrap": half_widths_of(denoiser)}
    with atomic_write(options.table) as partial:
        compare(crops, methods).round(4).to_csv(partial, index=False)


def half_widths_of(denoiser: Denoiser) -> HalfWidths:
    """The maps that a denoiser makes of a crop."""

    def half_widths(crop: Crop) -> np.ndarray:
        maps = denoiser.denoise_image(denoiser.wrap(crop.noisy), DenoiseSettings(maps=_MAPS)).maps
        return np.stack([maps[name] for name in _MAPS])

    return half_widths


def compare(crops: list[Crop], methods: dict[str, HalfWidths]) -> pd.DataFrame:
    """The rows of `coverage` of each method, with its name in the first column."""
    tables = {name: coverage(crops, half_widths) for name, half_widths in methods.items()}
    return pd.concat(tables, names=["method"]).reset_index(level="method")


if __name__ == "__main__":
    main()
