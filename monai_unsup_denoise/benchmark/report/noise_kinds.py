"""The report on kinds of noise: `noise_kinds.md` and a figure of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from monai_unsup_denoise import __version__
from monai_unsup_denoise.benchmark.methods import DenoisingMethod
from monai_unsup_denoise.benchmark.report import comparison_figure
from monai_unsup_denoise.benchmark.report.figures import ReportFigure
from monai_unsup_denoise.benchmark.report.report import Report, failure_lines, version_lines
from monai_unsup_denoise.benchmark.report.table import Table, escaped, markdown
from monai_unsup_denoise.benchmark.report.tables import BEST, EMPTY, score_cell
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults, volume_results
from monai_unsup_denoise.files import atomic_write, write_text

_PSNR = (
    "Whole volume, data range 1. σ: given the true sigma, where it varies its median over the foreground; all others "
    f"are blind. Bold: best of the blind methods. {BEST}: best of all."
)
_GAIN = "PSNR less that of the noisy volume."
_SIGMA = "Sigma that the method reports over the true one, where that varies over its median in the foreground."
_LAG1 = "Correlation of neighbours that the method reports less the true one: the largest absolute error over the axes."
_DPI = 80  # there are many figures
_FIGURE_METHODS = (("ours",), ("bm4d_vst",), ("bm4d_spectrum",))

#: As `FindImages`, with the kind of noise as `kind`.
FindKindImages = Callable[..., "dict[str, np.ndarray] | None"]


def write_kinds_report(
    folder: Path, results: pd.DataFrame, methods: Sequence[DenoisingMethod], find_images: FindKindImages, report: Report
) -> None:
    """Write `noise_kinds.md` and `noise_kinds/*.png`, each whole or not at all.

    Args:
        folder: is created if needed.
        results: the frame of noise_kinds.csv.
        methods: in the order of the columns.
        find_images: see `write_report`; it is given the kind of noise too.
        report: further texts.

    Raises:
        InputError: see `volume_results`.
    """
    parts = ["# Kinds of noise", escaped(report.note)]
    failures: list[str] = []
    for volume in volume_results(results, methods):
        groups = volume.rows.groupby("kind", sort=False)
        kinds = {str(kind): volume_results(rows, methods)[0] for kind, rows in groups}
        parts += [f"## {escaped(volume.title)}", f"Slices of the last axis: {volume.usual_slices or EMPTY}."]
        for table in kind_tables(kinds):
            parts += [f"### {table.title}", escaped(table.caption), markdown(table)]
        pictures: list[str] = []
        for kind, rows in kinds.items():
            if figure := _figure(rows, kind, partial(find_images, kind=kind)):
                with atomic_write(folder / "noise_kinds" / f"{figure.name}.png") as partial_file:
                    partial_file.write_bytes(figure.png())
                path = f"noise_kinds/{figure.name.replace('%', '%25')}.png"
                pictures += [f"**{figure.title}**", f"![{escaped(f'{volume.title}: {figure.title}')}]({path})"]
            failures += [f"{kind}: {line}" for line in failure_lines([rows])]
        parts += ["### Pictures", comparison_figure.CAPTION, *pictures] if pictures else []
    parts += ["## What is missing", "\n".join(f"- {escaped(line)}" for line in failures)] if failures else []
    parts += ["## How it was made", f"```bash\n{report.command}\n```" if report.command else ""]
    parts += [escaped(f"Version {__version__}. {report.conditions}")]
    parts += ["\n".join(f"- {escaped(line)}" for line in version_lines(volume_results(results, methods)))]
    write_text(folder / "noise_kinds.md", "\n\n".join(part for part in parts if part) + "\n")


def kind_tables(kinds: Mapping[str, VolumeResults]) -> list[Table]:
    """The tables of one volume that have rows; ``kinds`` are its results by kind of noise."""
    tables = [
        _by_level(kinds, "PSNR in dB / SSIM in 3-D", _PSNR, _quality),
        _by_level(kinds, "Gain in dB", _GAIN, _gain),
        _by_level(kinds, "Sigma read over true", _SIGMA, partial(_value, column="sigma_error", offset=1.0)),
        _by_level(kinds, "Error of the correlation read", _LAG1, partial(_value, column="lag1_error")),
    ]
    return [table for table in tables if table.rows]


def _by_level(
    kinds: Mapping[str, VolumeResults], title: str, caption: str, cell: Callable[[VolumeResults, str, float], str]
) -> Table:
    """One row for each kind and level, one column for each method that has a cell."""
    cells = {
        (kind, level): {method: cell(rows, method, level) for method in rows.methods}
        for kind, rows in kinds.items()
        for level in rows.levels
    }
    titles = {
        name: title
        for name, title in _methods(kinds).items()
        if any(row.get(name, EMPTY) != EMPTY for row in cells.values())
    }
    rows = [
        [escaped(kind), f"{level:g} %", *(row.get(name, EMPTY) for name in titles)]
        for (kind, level), row in cells.items()
    ]
    return Table(title, ("kind", "level", *titles.values()), rows if titles else [], caption=caption)


def _methods(kinds: Mapping[str, VolumeResults]) -> dict[str, str]:
    """Titles of the methods that were measured on any kind, in the order of the columns."""
    found = {name: rows.method_title(name) for rows in kinds.values() for name in rows.measured_methods}
    entries = next(iter(kinds.values())).entries
    return {name: found[name] for name in [*entries, *found] if name in found}


def _quality(rows: VolumeResults, method: str, level: float) -> str:
    return score_cell(rows, method, level, {"psnr": 2, "ssim_3d": 3})


def _gain(rows: VolumeResults, method: str, level: float) -> str:
    noisy, score = (rows.score(name, level, "psnr") for name in ("noisy", method))
    return f"{score.mean - noisy.mean:+.2f}" if noisy.seeds and score.seeds and method != "noisy" else EMPTY


def _value(rows: VolumeResults, method: str, level: float, *, column: str, offset: float = 0.0) -> str:
    score = rows.score(method, level, column)
    return f"{offset + score.mean:.2f}" if score.seeds else EMPTY


def _figure(rows: VolumeResults, kind: str, find_images: FindKindImages) -> ReportFigure | None:
    """One slice at one level, noisy and denoised; None without images."""
    level = rows.typical_level
    figure = comparison_figure.comparison_of_level(rows, level, find_images, places=_FIGURE_METHODS)
    if figure is None:
        return None
    figure.set_dpi(_DPI)
    name, title = quote(f"{rows.name}_{kind}", safe=""), f"{kind}, {level:g} %"
    return ReportFigure(name, title, comparison_figure.CAPTION, figure)
