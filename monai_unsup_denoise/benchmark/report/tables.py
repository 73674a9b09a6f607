"""The tables of one volume."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from monai_unsup_denoise.benchmark.methods import DenoisingMethod
from monai_unsup_denoise.benchmark.report.published import published_table
from monai_unsup_denoise.benchmark.report.table import Footnotes, Table, escaped, markdown
from monai_unsup_denoise.benchmark.report.volume_results import Score, VolumeResults, volume_results
from monai_unsup_denoise.benchmark.scores import BIAS_COLUMNS, LAG_COLUMNS

EMPTY = "–"
BEST = "★"
_MAIN = {"psnr": 2, "ssim_3d": 3}  # columns and their digits in print

#: The tables of docs/results.md: one method of each family, the lowest, typical and highest level.
RESULTS_METHODS = (
    *("noisy", "adf_unbiased", "nlmeans", "sanlm", "bm4d_vst"),
    *("noise2void", "cyclegan", "paper", "ours", "paired"),
)
RESULTS_LEVELS = (5, 15, 30)


def volume_tables(volume: VolumeResults) -> list[Table]:
    """All tables of a volume that have rows, the main one first."""
    level = f"{volume.typical_level:g} %"
    bands = {column: f"{low:g}–{high:g}" for column, (low, high) in BIAS_COLUMNS.items()}
    lags = {column: f"lag {lag}" for column, lag in LAG_COLUMNS.items()}
    tables = [
        main_table(volume),
        published_table(volume),
        _by_level(volume, "PSNR in dB over the foreground", {"psnr_fg": 2}, "Voxels with clean > 10/255."),
        _by_level(volume, "SSIM in 2-D", {"ssim_2d": 3}, "Mean over the slices of the last axis."),
        _by_column(
            volume,
            f"Bias by intensity at {level}",
            bands,
            "Mean of denoised − clean in units of sigma, by intensity of the clean volume.",
        ),
        _by_column(
            volume,
            f"Residual at {level}",
            lags | {"gradient_correlation": "with edges"},
            "Residual = noisy − denoised, inside the foreground. Its autocorrelation at 1 to 4 voxels is 0 for white "
            "noise; the correlation of its magnitude with the clean edges is 0 if only noise was removed.",
        ),
        _sigma_table(volume),
        _cost_table(volume),
    ]
    return [table for table in tables if table and table.rows]


def main_table(volume: VolumeResults) -> Table:
    """PSNR and 3-D SSIM of every method at every level, with all footnotes."""
    notes = Footnotes()
    rows = []
    for method in volume.methods:
        failures = [
            f"No figures{where and ' ' + where}: {reason.rstrip('.')}."
            for reason, where in volume.failures(method).items()
        ]
        remarks = [volume.note(method), *_slices(volume, method), *failures]
        rows.append([_name(volume, method, notes, remarks), *_level_cells(volume, method, _MAIN)])
    caption = (
        "Whole volume. σ: given the true sigma; all others are blind. †: trained on true pairs, an upper bound that is "
        f"never marked. Bold: best of the blind methods. {BEST}: best of all."
    )
    return Table("PSNR in dB / SSIM in 3-D", _level_header(volume), rows, notes.texts, caption)


def results_table(results: pd.DataFrame, volume: str, methods: Sequence[DenoisingMethod]) -> str:
    """PSNR and 3-D SSIM of `RESULTS_METHODS` at `RESULTS_LEVELS` on one volume, as Markdown without footnotes.

    Args:
        results: the frame of results.csv.
        volume: its name there.
        methods: in the order of the rows.

    Raises:
        InputError: see `volume_results`.
        KeyError: if the results have no such volume.
    """
    rows_shown = results[results["level"].isin(RESULTS_LEVELS)]
    found = {one.name: one for one in volume_results(rows_shown, methods)}[volume]
    shown = [method for method in found.methods if method in RESULTS_METHODS]
    rows = [[escaped(found.method_title(method)), *_level_cells(found, method, _MAIN)] for method in shown]
    return markdown(Table("", ("PSNR dB / SSIM", *_level_header(found)[1:]), rows))


def _level_header(volume: VolumeResults) -> tuple[str, ...]:
    return ("method", *(f"{level:g} %" for level in volume.levels))


def _level_cells(volume: VolumeResults, method: str, columns: Mapping[str, int]) -> list[str]:
    """The cells of a method at each level, see `score_cell`."""
    return [score_cell(volume, method, level, columns) for level in volume.levels]


def score_cell(volume: VolumeResults, method: str, level: float, columns: Mapping[str, int]) -> str:
    """The values of some columns (and their digits in print), separated by a slash, the best ones marked."""
    texts = []
    for column, digits in columns.items():
        score = volume.score(method, level, column)
        text = _in_print(score, digits)
        text += BEST if method in volume.leaders(column, level, digits=digits, blind=False) else ""
        is_best_blind = method in volume.leaders(column, level, digits=digits, blind=True)
        texts += [f"**{text}**" if is_best_blind else text] if score.seeds else []
    return " / ".join(texts) or EMPTY


def _in_print(score: Score, digits: int) -> str:
    """A value, with its deviation if there are several seeds."""
    value = f"{score.mean:.{digits}f}"
    return value if math.isnan(score.deviation) else f"{value} ± {score.deviation:.{digits}f}"


def _by_level(volume: VolumeResults, title: str, columns: Mapping[str, int], caption: str) -> Table:
    notes = Footnotes()
    rows = [
        [_name(volume, method, notes, _slices(volume, method)), *_level_cells(volume, method, columns)]
        for method in volume.measured_methods
    ]
    return Table(title, _level_header(volume), rows, notes.texts, caption)


def _by_column(volume: VolumeResults, title: str, columns: Mapping[str, str], caption: str) -> Table:
    """One column of the table for each of `columns` (name in the results: in print), at the typical level."""
    notes = Footnotes()
    rows = []
    for method in volume.measured_methods:
        scores = [volume.score(method, volume.typical_level, column) for column in columns]
        if any(score.seeds for score in scores):
            texts = [f"{score.mean:+.2f}" if score.seeds else EMPTY for score in scores]
            rows.append([_name(volume, method, notes, _slices(volume, method)), *texts])
    return Table(title, ("method", *columns.values()), rows, notes.texts, caption)


def _sigma_table(volume: VolumeResults) -> Table:
    rows = []
    for method in volume.measured_methods:
        scores = volume.scores(method, "sigma_error")
        if any(score.seeds for score in scores):
            texts = [f"{100 * score.mean:+.1f}" if score.seeds else EMPTY for score in scores]
            rows.append([escaped(volume.method_title(method)), *texts])
    caption = "(estimated − true) / true in percent, for methods that report their estimate."
    return Table("Error of the estimated sigma", _level_header(volume), rows, caption=caption)


def _cost_table(volume: VolumeResults) -> Table:
    notes = Footnotes()
    rows = []
    for method in volume.measured_methods:
        seconds, memory = (
            [score.mean for score in volume.scores(method, column) if score.seeds] for column in ("seconds", "peak_mib")
        )
        texts = [f"{sum(seconds) / len(seconds):.1f}", f"{max(seconds):.1f}"] if seconds else [EMPTY, EMPTY]
        texts.append(f"{max(memory):.0f}" if memory else EMPTY)
        if seconds or memory:
            rows.append([_name(volume, method, notes, _slices(volume, method)), *texts])
    header = ("method", "seconds, mean over levels", "seconds, longest", "peak MiB")
    caption = "Of one call on the noisy volume; memory above that before the call."
    return Table("Seconds and memory", header, rows, notes.texts, caption)


def _name(volume: VolumeResults, method: str, notes: Footnotes, remarks: Sequence[str]) -> str:
    return escaped(" ".join(filter(None, [volume.method_title(method), notes.mark(list(filter(None, remarks)))])))


def _slices(volume: VolumeResults, method: str) -> list[str]:
    return [] if volume.is_comparable(method) else [volume.slices_remark(method)]
