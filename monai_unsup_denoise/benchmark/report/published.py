"""The results of the published experiment, and ours beside them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from monai_unsup_denoise.benchmark.report.table import Table, escaped
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

_CONVENTION = (
    "The paper does not state its convention: data range, slices, intensity scaling, whole image or foreground, and "
    "the seed of its noise are unknown. Ours is the convention of this report. A difference between rows is therefore "
    "not one between methods only; compare each with the noisy row measured here."
)
# The published rows, and those of ours below each.
_OURS = {
    "adf": ("adf", "adf_unbiased"),
    "cyclegan": ("cyclegan",),
    "paper": ("paper", "paper_plus", "paper_small"),
}


class PublishedScore(NamedTuple):
    """PSNR in dB and SSIM, as printed."""

    psnr: float
    ssim: float


def published_scores(volume: str) -> dict[tuple[str, float], PublishedScore]:
    """The published scores by method ("adf", "cyclegan", "paper") and level in percent; empty for other contrasts.

    Args:
        volume: its last part after "_" is the contrast: "t1w" for both "brainweb_t1w" and "phantom_t1w".
    """
    table = pd.read_csv(Path(__file__).with_name("published.csv"))
    rows = table[table["volume"] == volume.rpartition("_")[2]].itertuples()
    return {(str(row.method), float(row.level)): PublishedScore(float(row.psnr), float(row.ssim)) for row in rows}


def published_table(volume: VolumeResults) -> Table | None:
    """PSNR and SSIM as published, ours below each, at the published levels; None for other contrasts."""
    published = published_scores(volume.name)
    if not published:
        return None
    levels = sorted({level for _, level in published})
    rows = [_our_row(volume, "noisy", levels)]
    for name, methods in _OURS.items():
        texts = [f"{score.psnr:.2f} / {score.ssim:.3f}" for score in (published[name, level] for level in levels)]
        rows.append([f"**{escaped(published_title(volume, name))}**", *texts])
        rows += [_our_row(volume, method, levels) for method in methods if method in volume.methods]
    rows.append(_our_row(volume, "ours", levels))
    caption = f"{_CONVENTION} Here: {volume.title}, slices {volume.usual_slices or '–'}, SSIM in 3-D."
    if not volume.name.startswith("brainweb"):
        caption += " This volume is not one of the paper."
    header = ("PSNR dB / SSIM", *(f"{level:g} %" for level in levels))
    return Table("Published, and measured here", header, rows, caption=caption)


def published_title(volume: VolumeResults, method: str) -> str:
    """A published method in print."""
    return f"{volume.entries[method].title if method in volume.entries else method}, published"


def _our_row(volume: VolumeResults, method: str, levels: list[float]) -> list[str]:
    texts = []
    for level in levels:
        psnr, ssim = volume.score(method, level, "psnr"), volume.score(method, level, "ssim_3d")
        texts.append(f"{psnr.mean:.2f} / {ssim.mean:.3f}" if psnr.seeds else "–")
    return [escaped(f"{volume.method_title(method)}, here"), *texts]
