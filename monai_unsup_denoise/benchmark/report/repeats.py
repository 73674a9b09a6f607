"""The report on repeated scans: `repeats.md` and a figure of each scan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from monai_unsup_denoise import __version__
from monai_unsup_denoise.benchmark.methods import DenoisingMethod
from monai_unsup_denoise.benchmark.report.comparison_figure import FindImages, comparison_figure
from monai_unsup_denoise.benchmark.report.figures import ReportFigure
from monai_unsup_denoise.benchmark.report.report import Report
from monai_unsup_denoise.benchmark.report.table import Table, escaped, markdown
from monai_unsup_denoise.files import atomic_write, write_text

_GAIN = (
    "Error of the noisy repeat over that of the denoised repeat, in mean square, in dB: over tissue, against the mean "
    "of the other repeats, whose own noise is subtracted. Sigma: of the noise, in percent of the 99.9th percentile. "
    "Lag 1: correlation of the noise of neighbours along x, y and z. Error: of the noisy repeat, root mean square in "
    "units of sigma; what exceeds 1 is spatially varying noise, motion or pulsation. σ: given sigma; all others are "
    "blind."
)
_RATIO = "Sigma that the method reports over the true one, for methods that report it."
_BIAS = "Mean over tissue of denoised − truth in units of sigma. The noisy repeats have the Rician bias."
_FIGURE = (
    "Middle slice, gain of the whole scan above it. Second row: the square drawn in the last image. Third row: what "
    "was removed, noisy − denoised, in units of sigma on one scale; below the other repeats their difference, which "
    "has the noise of both. Edges in a residual are anatomy that was removed."
)


def write_repeats_report(
    folder: Path, results: pd.DataFrame, methods: Sequence[DenoisingMethod], find_images: FindImages, report: Report
) -> None:
    """Write `repeats.md` and `repeats/*.png`, each whole or not at all.

    Args:
        folder: is created if needed.
        results: the frame of repeats.csv.
        methods: in the order of the columns.
        find_images: see `write_report`.
        report: further texts.
    """
    titles = {one.name: f"{one.title}{chr(160) + 'σ' if one.given_sigma else ''}" for one in methods}
    parts = ["# Repeated scans", escaped(report.note)]
    for title, column, caption in (
        ("Gain in dB", "gain", _GAIN),
        ("Sigma read over true", "sigma_ratio", _RATIO),
        ("Bias", "bias", _BIAS),
    ):
        table = _table(results, titles, title, column, caption)
        parts += [f"## {title}", escaped(caption), markdown(table)] if table.rows else []
    figures = []
    for (name, level, seed), rows in results.groupby(["volume", "level", "seed"], sort=False):
        found = {one: images for one in rows["method"] if (images := find_images(name, level, seed, one))}
        if found:
            (folder / "repeats").mkdir(parents=True, exist_ok=True)
            with atomic_write(folder / "repeats" / f"{name}.png") as partial:
                partial.write_bytes(_figure(name, level, rows, found, titles).png())
            figures += [f"**{escaped(name)}**", f"![{escaped(name)}, denoised](repeats/{name}.png)"]
    parts += ["## Pictures", _FIGURE, *figures] if figures else []
    failed = results[results["status"] != "ok"].groupby(["method", "status"], sort=False)["volume"]
    lines = ["- " + escaped(f"{titles[one]}, {', '.join(scans)}: {why}") for (one, why), scans in failed]
    parts += ["## What is missing", "\n".join(lines)] if lines else []
    used = results.drop_duplicates("method")
    versions = [
        f"- {escaped(titles[one])}: {escaped(v)}" for one, v in zip(used["method"], used["versions"], strict=True)
    ]
    conditions = escaped(f"Version {__version__}. {report.conditions}")
    parts += ["## How it was made", f"```bash\n{report.command}\n```", conditions, "\n".join(versions)]
    write_text(folder / "repeats.md", "\n\n".join(part for part in parts if part) + "\n")


def _table(results: pd.DataFrame, titles: dict[str, str], title: str, column: str, caption: str) -> Table:
    """One row for each scan, one column for each method with such a figure; then the mean, of methods that have all."""
    values = results.pivot_table(index="volume", columns="method", values=column, sort=False)
    values = values[[name for name in titles if name in values]]
    if values.empty:
        return Table(title, (), [])
    scans = results[results["status"] == "ok"].drop_duplicates("volume").set_index("volume")
    header, leading = ["scan"], {name: [escaped(str(name))] for name in values.index}
    if column == "gain":
        header += ["repeats", "sigma, %", "lag 1", "error"]
        for name, cells in leading.items():
            scan = scans.loc[name]
            lags = ", ".join(
                "–" if np.isnan(scan[lag]) else f"{scan[lag]:.2f}" for lag in ("lag1_x", "lag1_y", "lag1_z")
            )
            cells += [f"{scan['repeats']:.0f}", f"{scan['level']:.1f}", lags, f"{scan['rmse_noisy']:.2f}"]
    sign = "" if column == "sigma_ratio" else "+"
    rows = [[*leading[name], *(_number(value, sign) for value in row)] for name, row in values.iterrows()]
    if column == "gain":
        rows.append(["mean", *[""] * 4, *(_number(value, sign) for value in values.mean(skipna=False))])
    return Table(title, (*header, *(titles[name] for name in values)), rows, caption=caption)


def _figure(
    name: str, level: float, rows: pd.DataFrame, found: dict[str, dict[str, np.ndarray]], titles: dict[str, str]
) -> ReportFigure:
    gains = rows.set_index("method")["gain"]
    heads = {one: f"{titles[one]}\n{gains[one]:+.1f} dB".replace(", ", "\n") for one in found}
    first = next(iter(found.values()))
    figure = comparison_figure(
        first["noisy"],
        {one: images["denoised"] for one, images in found.items()},
        first["clean"],
        sigma=level / 100,
        titles={"noisy": "Noisy\n", **heads, "clean": "Other repeats\n"},
    )
    return ReportFigure(name, name, _FIGURE, figure)


def _number(value: float, sign: str) -> str:
    return "–" if np.isnan(value) else f"{value:{sign}.2f}"
