"""What a lower strength keeps of faint lesions, and what it costs.

    python -m experiments.strength

writes `docs/strength.csv`. The result of a lower strength is a weighted mean of the scan and the denoised scan, so it
is made here from what has been denoised: the crops around lesions of `mri-denoise trust --output-dir docs/trust`, and
the test crops of `python -m experiments.uncertainty`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.uncertainty.crops import Crop, crop_folder, read_crop
from monai_unsup_denoise.benchmark.trust.observer import detect
from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.files import atomic_write

STRENGTHS = (1.0, 0.9, 0.8, 0.7, 0.5)
_LESIONS = ((2, 3), (4, 1), (4, 3), (8, 1), (8, 3))  # diameter in mm, and contrast in sigma
_DISTANCES = (3, 4, 5, 6)  # mm
_FIRST, _LAST = 7000, 7050  # subjects of the test crops


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cells", type=Path, default=Path("docs/trust/cells"), help="what mri-denoise trust has kept")
    parser.add_argument("--work-dir", type=Path, default=Path("runs/uncertainty"), help="folder of the crops")
    parser.add_argument("--table", type=Path, default=Path("docs/strength.csv"))
    options = parser.parse_args()
    if not any((options.cells / "ours" / "white").glob("*_phantom_*.json")):
        parser.error(f"{options.cells}: nothing about ours in white noise; run `make trust` first, or give --cells")
    before, after = (read_cells(options.cells / method / "white") for method in ("noisy", "ours"))
    folder = crop_folder(options.work_dir, bundle_folder() / "models" / "model.pt")
    crops = [read_crop(folder / f"{number}.npz") for number in range(_FIRST, _LAST)]
    rows = [*detection(before, after), *gains(crops)]
    with atomic_write(options.table) as partial:
        pd.DataFrame(rows, columns=["strength", "check", "group", "value", "count"]).round(4).to_csv(
            partial, index=False
        )


def read_cells(folder: Path) -> dict[str, np.ndarray]:
    """Crops by variant, ``(N, n, n, n)``, and of each: ``diameter``, ``ratio`` and ``contrast``, or ``distance``."""
    paths = sorted(folder.glob("*_phantom_*.json"))
    cells = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    found: dict[str, list[np.ndarray]] = {}
    for path, cell in zip(paths, cells, strict=True):
        with np.load(path.with_suffix(".npz")) as crops:
            for name in crops:
                found.setdefault(name, []).append(crops[name])
        for name in ("diameter", "ratio", "contrast"):
            found.setdefault(name, []).append(np.asarray([lesion[name] for lesion in cell["lesions"]]))
        found.setdefault("distance", []).append(np.asarray(cell["distances"]))
    return {name: np.concatenate(arrays) for name, arrays in found.items()}


def detection(
    before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]
) -> Iterator[tuple[float, str, str, float, int]]:
    """Contrast kept and AUC of the model observer, of lesions and of pairs of spots, at each strength."""
    kinds = np.stack([after["diameter"], after["ratio"]], axis=1)
    for strength in STRENGTHS:
        mixed = {
            name: strength * after[name] + (1 - strength) * before[name]
            for name in ("with", "without", "one", "two", "contrast")
        }
        for lesion in _LESIONS:
            chosen, group = (kinds == lesion).all(axis=1), f"{lesion[0]} mm, CNR {lesion[1]}"
            count = int(np.count_nonzero(chosen))
            yield strength, "lesion contrast kept", group, float(mixed["contrast"][chosen].mean()), count
            auc = detect(mixed["with"][chosen], mixed["without"][chosen]).auc
            yield strength, "lesion detection, AUC", group, auc, count
        for distance in _DISTANCES:
            chosen = after["distance"] == distance
            auc = detect(mixed["two"][chosen], mixed["one"][chosen]).auc
            yield strength, "one spot or two, AUC", f"{distance} mm", auc, int(np.count_nonzero(chosen))


def gains(crops: Sequence[Crop]) -> Iterator[tuple[float, str, str, float, int]]:
    """The mean gain of PSNR over the scan, in dB, at each strength."""
    for strength in STRENGTHS:
        found = [gain(crop, strength) for crop in crops]
        yield strength, "gain of PSNR, dB", "heads", float(np.mean(found)), len(found)


def gain(crop: Crop, strength: float) -> float:
    """How much higher the PSNR of a crop is after denoising, in dB, over the head."""
    head = crop.tissue > 0
    mixed = strength * crop.denoised + (1 - strength) * crop.noisy
    errors = [np.square((image - crop.clean)[head], dtype=np.float64).mean() for image in (crop.noisy, mixed)]
    return float(10 * np.log10(errors[0] / errors[1]))


if __name__ == "__main__":
    main()
