"""The paper's figures beside ours."""

from __future__ import annotations

from monai_unsup_denoise.benchmark.report.published import CONVENTION, published_scores
from monai_unsup_denoise.benchmark.report.table import Span, Spans, Table, cell
from monai_unsup_denoise.benchmark.report.tables import EMPTY, PSNR, SSIM, in_print
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

# The published rows, and which of ours stand under each.
_BESIDE = {"adf": ("adf", "adf_unbiased"), "cyclegan": ("cyclegan",), "paper": ("paper",)}


def published_table(volume: VolumeResults) -> Table | None:
    """PSNR and SSIM of the published methods as printed, ours under each, at the published levels.

    None where the paper has no volume of this contrast.
    """
    published = published_scores(volume.name)
    if not published:
        return None
    levels = sorted({level for _, level in published})
    rows = [_ours(volume, "noisy", levels)]
    for name, methods in _BESIDE.items():
        texts = [f"{score.psnr:.2f} / {score.ssim:.3f}" for score in (published[name, level] for level in levels)]
        rows.append(((Span(f"{volume.titles.get(name, name)}, published", strong=True),), *map(cell, texts)))
        rows += [_ours(volume, method, levels) for method in methods if method in volume.methods]
    rows.append(_ours(volume, "ours", levels))
    header = ("PSNR dB / SSIM", *(f"{level:g} %" for level in levels))
    where = f"Here: {volume.title}, slices {volume.usual_slices or EMPTY}, SSIM in 3-D."
    caption = f"{CONVENTION} {where} {_object(volume)}"
    return Table("Published, and measured here", header, tuple(rows), caption=caption.strip())


def _ours(volume: VolumeResults, method: str, levels: list[float]) -> tuple[Spans, ...]:
    texts = []
    for level in levels:
        psnr, ssim = (in_print(volume.score(method, level, column), digits) for column, digits in (PSNR, SSIM))
        texts.append(EMPTY if psnr == EMPTY else f"{psnr} / {ssim}")
    return (cell(f"{volume.method_title(method)}, here"), *map(cell, texts))


def _object(volume: VolumeResults) -> str:
    if volume.name.startswith("brainweb"):
        return ""
    return "This volume is not one of the paper."
