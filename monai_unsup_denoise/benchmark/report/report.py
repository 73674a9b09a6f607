"""The report of a benchmark: `tables.md` and the figures it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from monai_unsup_denoise.benchmark.methods import DenoisingMethod
from monai_unsup_denoise.benchmark.report.comparison_figure import FindImages
from monai_unsup_denoise.benchmark.report.figures import ReportFigure, volume_figures
from monai_unsup_denoise.benchmark.report.table import Table, escaped, markdown
from monai_unsup_denoise.benchmark.report.tables import volume_tables
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults, volume_results
from monai_unsup_denoise.files import atomic_write, write_text

_CONVENTION = (
    "Convention: the clean volume is scaled to maximum 1. Rician noise of sigma = level % of that maximum is drawn "
    "once for each volume, level and seed, the same for every method. The output is compared in the units of the "
    "input. Data range 1; foreground: clean > 10/255; SSIM with a Gaussian window of sigma 1.5 without sample "
    "covariance, in 2-D the mean over the slices of the last axis."
)


@dataclass(frozen=True)
class Report:
    """Texts of a report besides the results.

    Attributes:
        note: first paragraph, such as the limits of a reduced grid.
        command: that produced the results.
        conditions: hardware and load during timing.
    """

    note: str = ""
    command: str = ""
    conditions: str = ""


def write_report(
    folder: Path,
    results: pd.DataFrame,
    methods: Sequence[DenoisingMethod],
    find_images: FindImages,
    report: Report | None = None,
) -> None:
    """Write `tables.md` and `figures/*.png`, each whole or not at all; equal results give equal files.

    Args:
        folder: is created if needed.
        results: the frame of results.csv.
        methods: in the order of all tables.
        find_images: 2-D "noisy", "denoised" and "clean" of the middle slice, clean maximum 1, of one shape; or None.
        report: further texts.

    Raises:
        InputError: see `volume_results`.
    """
    volumes = volume_results(results, methods)
    figures: dict[str, list[ReportFigure]] = {volume.name: [] for volume in volumes}
    for volume in volumes:
        for figure in volume_figures(volume, find_images):
            with atomic_write(folder / "figures" / f"{figure.name}.png") as partial:
                partial.write_bytes(figure.png())
            figures[volume.name].append(figure)
    write_text(folder / "tables.md", markdown_report(volumes, report or Report(), figures))


def markdown_report(
    volumes: Sequence[VolumeResults], report: Report, figures: Mapping[str, Sequence[ReportFigure]]
) -> str:
    """All tables and figures as one Markdown page, without a date; ``figures`` by volume."""
    summary = summary_table(volumes)
    parts = ["# Benchmark", escaped(report.note), escaped(_scope(volumes)), summary.caption, markdown(summary)]
    for volume in volumes:
        slices = volume.usual_slices
        parts += [
            f"## {escaped(volume.title)}",
            f"Slices of the last axis: {slices}." if slices else "Nothing could be measured on this volume.",
        ]
        for table in volume_tables(volume):
            parts += [f"### {table.title}", escaped(table.caption), markdown(table)]
        captions = dict.fromkeys(figure.caption for figure in figures[volume.name])
        for figure in figures[volume.name]:
            if captions.pop(figure.caption, figure) is None:  # the slices at several levels share one
                parts.append(figure.caption)
            path = f"figures/{figure.name.replace('%', '%25')}.png"
            parts += [f"**{figure.title}**", f"![{escaped(f'{volume.title}: {figure.title}')}]({path})"]
    if failures := failure_lines(volumes):
        parts += ["## What is missing", "\n".join(f"- {escaped(line)}" for line in failures)]
    parts += ["## How it was made", f"```bash\n{report.command}\n```" if report.command else "", escaped(_CONVENTION)]
    parts += [escaped(f"Seconds: {report.conditions}") if report.conditions else ""]
    parts += ["\n".join(f"- {escaped(line)}" for line in version_lines(volumes))]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary_table(volumes: Sequence[VolumeResults]) -> Table:
    """For each volume the best blind method and the best of all, by the mean over the levels."""
    rows = [
        [
            escaped(volume.title),
            *(_best(volume, *score, blind=blind) for blind in (True, False) for score in (_PSNR, _SSIM)),
        ]
        for volume in volumes
    ]
    header = ("volume", "best blind, PSNR", "best blind, SSIM 3-D", "best of all, PSNR", "best of all, SSIM 3-D")
    caption = (
        "Mean over the levels of the volume, for methods measured at all of them and on the same slices. "
        "Blind: not given sigma. Methods trained on true pairs are upper bounds and do not compete."
    )
    return Table("Best methods", header, rows, caption=caption)


def failure_lines(volumes: Sequence[VolumeResults]) -> list[str]:
    """One line for each volume and method with missing results: where and why."""
    return [
        f"{volume.title}, {volume.method_title(method)}{where and ', ' + where}: {reason}"
        for volume in volumes
        for method in volume.methods
        for reason, where in volume.failures(method).items()
    ]


_PSNR, _SSIM = ("psnr", "{:.2f} dB"), ("ssim_3d", "{:.3f}")


def _best(volume: VolumeResults, column: str, form: str, *, blind: bool) -> str:
    means = {}
    for method in volume.methods:
        scores = volume.scores(method, column)
        if volume.competes(method, blind=blind) and all(score.seeds for score in scores):
            means[method] = sum(score.mean for score in scores) / len(scores)
    if not means:
        return "–"
    best = max(means, key=means.__getitem__)
    return escaped(f"{volume.method_title(best)} ({form.format(means[best])})")


def _scope(volumes: Sequence[VolumeResults]) -> str:
    """Methods, volumes, levels and seeds in one sentence."""
    levels = sorted({level for volume in volumes for level in volume.levels})
    seeds = sorted({seed for volume in volumes for seed in volume.seeds})
    measured = {method for volume in volumes for method in volume.measured_methods}
    missing = {method for volume in volumes for method in volume.methods} - measured
    return (
        f"{len(measured)} methods{f' ({len(missing)} more could not be measured)' if missing else ''} on "
        f"{_and([volume.title for volume in volumes])}, with Rician noise of {_and([f'{one:g}' for one in levels])} % "
        f"of the maximum, noise seed{'s' if len(seeds) > 1 else ''} {_and([str(seed) for seed in seeds])}."
    )


def version_lines(volumes: Sequence[VolumeResults]) -> list[str]:
    """The versions that each method was measured with, once."""
    found: dict[str, str] = {}
    for volume in volumes:
        for method in volume.methods:
            texts = volume.rows.loc[volume.rows["method"] == method, "versions"]
            if versions := ", ".join(dict.fromkeys(text for text in texts if text)):
                found.setdefault(volume.entries[method].title if method in volume.entries else method, versions)
    return [f"{title}: {versions}" for title, versions in found.items()]


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
