"""What the published experiment reports of its three methods."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

#: How a figure of the paper and one of ours may differ though the method is the same.
CONVENTION = (
    "The paper does not state how it measured: data range, slices, scaling of intensities, and whether the whole image "
    "or the foreground counts are unknown, and so is the seed of its noise. Ours is the convention of this report. The "
    "rows stand side by side, but a difference between them is not one between methods alone; compare each with the "
    "noisy row measured here."
)


class PublishedScore(NamedTuple):
    """PSNR in dB and SSIM, as printed."""

    psnr: float
    ssim: float


def published_scores(volume: str) -> dict[tuple[str, float], PublishedScore]:
    """The paper's figures by method ("adf", "cyclegan", "paper") and level in percent; empty where it has none.

    Args:
        volume: its last part after "_" is the contrast: "brainweb_t1w" and "phantom_t1w" both stand beside "t1w".
    """
    table = pd.read_csv(Path(__file__).with_name("published.csv"))
    table = table[table["volume"] == volume.rpartition("_")[2]]
    columns = (table[name] for name in ("method", "level", "psnr", "ssim"))
    return {
        (str(method), float(level)): PublishedScore(float(psnr), float(ssim))
        for method, level, psnr, ssim in zip(*columns, strict=True)
    }
