"""What reports say of scans that were denoised well, and of the same with a fault.

    python -m experiments.report_verdicts

reads the crops that `python -m experiments.uncertainty` has denoised, and writes `docs/report_verdicts.csv`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from experiments.uncertainty.crops import Crop, crop_folder, read_crop
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.scan_report.residual_tests import residual_tests
from monai_unsup_denoise.scan_report.verdicts import Verdict, verdicts_on

_KINDS = ("good", "look", "bad")


def _blurred(sigma: float) -> Callable[[Crop], np.ndarray]:
    return lambda crop: gaussian_filter(crop.denoised, sigma)


#: Denoised crops, by what was done to them.
RESULTS: dict[str, Callable[[Crop], np.ndarray]] = {
    "as it is": lambda crop: crop.denoised,
    "the truth": lambda crop: crop.clean,
    "blurred by 0.5 voxels": _blurred(0.5),
    "blurred by 0.7 voxels": _blurred(0.7),
    "blurred by 1 voxel": _blurred(1.0),
    "a third of the change": lambda crop: (crop.denoised + 2 * crop.noisy) / 3,
}


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work-dir", type=Path, default=Path("runs/uncertainty"), help="folder of the crops")
    parser.add_argument("--table", type=Path, default=Path("docs/report_verdicts.csv"))
    options = parser.parse_args()
    folder = crop_folder(options.work_dir, bundle_folder() / "models" / "model.pt")
    table = count_verdicts(read_crop(path) for path in sorted(folder.glob("*.npz")))
    print(table.to_string(index=False))
    with atomic_write(options.table) as partial:
        table.to_csv(partial, index=False)


def count_verdicts(crops: Iterable[Crop]) -> pd.DataFrame:
    """Rows ``result``, ``crops``, and the share of each kind of verdict on the residual."""
    rows = [
        {"result": name, "kind": verdict_on(replace(crop, denoised=change(crop))).kind}
        for crop in crops
        for name, change in RESULTS.items()
    ]
    shares = pd.crosstab(*(pd.DataFrame(rows)[column] for column in ("result", "kind")), normalize="index")
    counts = pd.DataFrame(rows)["result"].value_counts()
    table = shares.reindex(index=list(RESULTS), columns=list(_KINDS), fill_value=0.0).round(3)
    table.insert(0, "crops", counts)
    return table.reset_index()


def verdict_on(crop: Crop) -> Verdict:
    """The first verdict, which is that on the residual."""
    correlation, coils = crop.numbers[:3], float(np.exp(crop.numbers[3]))
    tests = residual_tests(crop.noisy, crop.denoised, crop.sigma, coils=round(coils))
    return verdicts_on({"sigma": float(np.median(crop.sigma)), "correlation": correlation}, tests)[0]


if __name__ == "__main__":
    main()
