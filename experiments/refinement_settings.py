"""What the refinement stage gains for its time, with other sizes of its search: docs/refinement.csv, docs/speed.md.

    python -m experiments.refinement_settings

On T1w and PDw phantoms of subjects in no training set. Core-seconds with one thread.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pandas as pd
import torch

from experiments.speed import machine
from experiments.speed_page import fill_page, markdown_table
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise, nonlocal_bayes
from monai_unsup_denoise.inference import Denoiser

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "refinement.csv"
CASES = [("T1w", 60), ("PDw", 60), ("PDw", 61)]
LEVELS = (0.05, 0.15, 0.3)  # of the maximum
SETTINGS = [  # reach in voxels, candidates and patches of a group, stride of the references in voxels
    (4, 40, 40, 3),
    (4, 80, 40, 3),
    (5, 40, 40, 3),
    (5, 64, 40, 3),
    (5, 80, 40, 3),
    (5, 96, 48, 3),
    (6, 96, 40, 3),
    (5, 80, 40, 2),
]
COLUMNS = [
    "reach",
    "candidates",
    "similar",
    "stride",
    "core_seconds_per_million_voxels",
    "gain",
    "least_gain",
    "machine",
]
START, END = "<!-- table of refinement.csv -->", "<!-- end of the table of refinement.csv -->"
_SIDES = (120, 120, 64)

Case = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def main() -> None:
    """Measure every setting."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = [case for contrast, subject in CASES for case in make_cases(contrast, subject)]
    rows = []
    for setting in SETTINGS:
        seconds, gains = measure(setting, cases)
        rows.append((*setting, round(seconds, 2), round(float(np.mean(gains)), 3), round(min(gains), 3), machine()))
        print(*rows[-1], file=sys.stderr)
        with atomic_write(options.output) as partial:
            pd.DataFrame(rows, columns=COLUMNS).to_csv(partial, index=False)
    write_refinement(options.output)


def write_refinement(results: Path) -> None:
    """Write the table of a CSV into the page `speed.md` beside it, if there is one."""
    fill_page(results.with_name("speed.md"), START, END, refinement_table(pd.read_csv(results)))


def refinement_table(rows: pd.DataFrame) -> str:
    """Markdown: the settings, their time and their gain; those in use are bold."""
    module = importlib.import_module("monai_unsup_denoise.functional.nonlocal_bayes")
    used = setting_of(module.CUBES)
    lines = []
    for row in rows.itertuples():
        mark = "**" if (row.reach, row.candidates, row.similar, row.stride) == used else ""
        sizes = [str(size) for size in (row.reach, row.candidates, row.similar, row.stride)]
        gains = [f"{row.core_seconds_per_million_voxels:.1f}", f"{row.gain:+.3f}", f"{row.least_gain:+.3f}"]
        lines.append(tuple(f"{mark}{text}{mark}" for text in (*sizes, *gains)))
    head = "reach|candidates|group|stride|core-seconds per million voxels|mean gain, dB|least gain, dB"
    return markdown_table(head.split("|"), lines)


@torch.no_grad()
def make_cases(contrast: str, subject: int) -> list[Case]:
    """Clean and noisy volume, output of the network, and sigma: the middle of a phantom at every level."""
    [item] = phantom_datalist(None, [subject], contrasts=[contrast])
    image = nibabel.load(item["image"]).get_fdata(dtype=np.float32)  # type: ignore[attr-defined]
    middle = tuple(
        slice((n - min(n, side)) // 2, (n + min(n, side)) // 2) for n, side in zip(image.shape, _SIDES, strict=True)
    )
    clean = torch.from_numpy(image[middle] / image.max())
    denoiser = Denoiser.from_bundle(device="cpu", settings={"refine": False})
    cases = []
    for level in LEVELS:
        noisy = add_rician_noise(clean, level, generator=torch.Generator().manual_seed(1))
        pilot = denoiser.inferer(noisy[None, None], denoiser.network)[0, 0]
        cases.append((clean, noisy, pilot, torch.full_like(clean, level)))
    return cases


def setting_of(patches: Any) -> tuple[int, int, int, int]:
    """The setting of `SETTINGS` that these patches have."""
    return patches.reach[0], patches.candidates, patches.similar, patches.stride[0]


def measure(setting: tuple[int, int, int, int], cases: list[Case]) -> tuple[float, list[float]]:
    """Core-seconds for a million voxels, and the gain in dB of each case."""
    module: Any = importlib.import_module("monai_unsup_denoise.functional.nonlocal_bayes")
    before = module.CUBES
    reach, candidates, similar, stride = setting
    start, gains = time.process_time(), []
    try:
        module.CUBES = before._replace(reach=(reach,) * 3, candidates=candidates, similar=similar, stride=(stride,) * 3)
        refined = [nonlocal_bayes(noisy, pilot, sigma) for _, noisy, pilot, sigma in cases]
        seconds = time.process_time() - start
    finally:
        module.CUBES = before
    for image, (clean, _, pilot, _) in zip(refined, cases, strict=True):
        gains.append(psnr(image.numpy(), clean.numpy()) - psnr(pilot.numpy(), clean.numpy()))
    return seconds / sum(clean.numel() for clean, *_ in cases) * 1e6, gains


if __name__ == "__main__":
    main()
