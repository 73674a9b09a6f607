"""The best methods of each volume, and which rows are missing."""

from __future__ import annotations

from collections.abc import Sequence

from monai_unsup_denoise.benchmark.report.table import Table, cell
from monai_unsup_denoise.benchmark.report.tables import EMPTY
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults


def summary_table(volumes: Sequence[VolumeResults]) -> Table:
    """For each volume the best blind method and the best of all, by the mean over the levels."""
    rows = tuple(
        (
            cell(volume.title),
            cell(_best(volume, "psnr", "{:.2f} dB", blind=True)),
            cell(_best(volume, "ssim_3d", "{:.3f}", blind=True)),
            cell(_best(volume, "psnr", "{:.2f} dB", blind=False)),
            cell(_best(volume, "ssim_3d", "{:.3f}", blind=False)),
        )
        for volume in volumes
    )
    header = ("volume", "best blind, PSNR", "best blind, SSIM 3-D", "best of all, PSNR", "best of all, SSIM 3-D")
    caption = (
        "Mean over the levels of the volume, for methods measured at all of them and on the same slices. "
        "Blind: not told the noise level. Those trained on true pairs are references and do not compete."
    )
    return Table("Best methods", header, rows, caption=caption)


def failure_lines(volumes: Sequence[VolumeResults]) -> list[str]:
    """A line for each volume and method with missing figures: where and why."""
    return [
        f"{volume.title}, {volume.method_title(method)}{where and ', ' + where}: {reason}"
        for volume in volumes
        for method in volume.methods
        for reason, where in volume.failures(method).items()
    ]


def _best(volume: VolumeResults, column: str, form: str, *, blind: bool) -> str:
    means = {}
    for method in volume.methods:
        scores = volume.scores(method, column)
        if not volume.competes(method, blind=blind):
            continue
        if all(score.seeds for score in scores):
            means[method] = sum(score.mean for score in scores) / len(scores)
    if not means:
        return EMPTY
    best = max(means, key=means.__getitem__)
    return f"{volume.method_title(best)} ({form.format(means[best])})"
