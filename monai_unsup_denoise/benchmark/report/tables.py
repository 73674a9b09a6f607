"""The tables of one volume."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import pandas as pd

from monai_unsup_denoise.benchmark.report.table import Footnotes, Span, Spans, Table, cell, markdown
from monai_unsup_denoise.benchmark.report.volume_results import BANDS, LAGS, Score, VolumeResults, volume_results

EMPTY = "–"
BEST = "★"
PSNR, SSIM = ("psnr", 2), ("ssim_3d", 3)  # columns and their digits in print

#: What the README shows: one of each family.
README_METHODS = (
    "noisy",
    "adf_unbiased",
    "nlmeans",
    "sanlm",
    "ants",
    "bm4d_vst",
    "noise2void",
    "cyclegan",
    "paper",
    "ours",
    "ours_fast",
    "paired",
)


def main_table(volume: VolumeResults) -> Table:
    """PSNR and 3-D SSIM of every method at every level, and all that is to be said about a row."""
    notes = Footnotes()
    rows = [
        (_name(volume, method, notes, _remarks(volume, method)), *_level_cells(volume, method, (PSNR, SSIM)))
        for method in volume.methods
    ]
    caption = (
        "Whole volume. σ: told the true noise level; all others are blind. †: trained on true pairs, a reference that "
        f"is never marked. Bold: best of the blind methods. {BEST}: best of all."
    )
    return Table("PSNR in dB / SSIM in 3-D", _level_header(volume), tuple(rows), notes.texts, caption)


def further_tables(volume: VolumeResults) -> list[Table]:
    """What else was measured; tables without a figure are left out."""
    level = f"{volume.median_tissue_sigma:g} %"
    by_level = [
        _by_level(volume, "PSNR in dB over the foreground", [("psnr_fg", 2)], "Voxels where clean > 10/255."),
        _by_level(volume, "SSIM in 2-D", [("ssim_2d", 3)], "Mean over the slices of the last axis."),
    ]
    bands = {column: f"{low:g}–{high:g}" for column, (low, high) in BANDS.items()}
    residual = {column: f"lag {lag}" for column, lag in LAGS.items()}
    others = [
        _by_column(
            volume,
            f"Bias by intensity at {level}",
            bands,
            "{:+.2f}",
            "Mean of denoised − clean in units of sigma, where clean is in that part of its maximum.",
        ),
        _by_column(
            volume,
            f"Residual at {level}",
            residual | {"gradient_correlation": "with edges"},
            "{:+.2f}",
            "Residual = noisy − denoised, inside the foreground. Its autocorrelation at 1 to 4 voxels, 0 for white "
            "noise, and how far its size follows the edges of the clean image, 0 where no anatomy was removed.",
        ),
        _sigma_table(volume),
        _cost_table(volume),
    ]
    return [table for table in (*by_level, *others) if table.rows]


def readme_table(
    results: pd.DataFrame,
    volume: str,
    titles: Mapping[str, str],
    *,
    methods: Sequence[str] = README_METHODS,
    references: Collection[str] = (),
) -> str:
    """PSNR and 3-D SSIM by level of some methods on one volume, as Markdown without footnotes.

    Args:
        results: the frame of results.csv.
        volume: its name there.
        titles: what the methods are called.
        methods: which, those that the results lack left out.
        references: methods trained on true pairs, see `VolumeResults`.

    Raises:
        InputError: when the results cannot be read as such, see `volume_results`.
        KeyError: when they have no such volume.
    """
    found = {one.name: one for one in volume_results(results, titles, references=references)}[volume]
    rows = tuple(
        (cell(found.method_title(method)), *_level_cells(found, method, (PSNR, SSIM)))
        for method in found.methods
        if method in methods
    )
    return markdown(Table("", ("PSNR dB / SSIM", *_level_header(found)[1:]), rows))


def in_print(score: Score, digits: int) -> str:
    """A value, with its deviation where there are several seeds."""
    if not score.seeds:
        return EMPTY
    value = f"{score.mean:.{digits}f}"
    return value if math.isnan(score.deviation) else f"{value} ± {score.deviation:.{digits}f}"


def _level_header(volume: VolumeResults) -> tuple[str, ...]:
    return ("method", *(f"{level:g} %" for level in volume.levels))


def _level_cells(volume: VolumeResults, method: str, columns: Sequence[tuple[str, int]]) -> list[Spans]:
    return [_scores_cell(volume, method, level, columns) for level in volume.levels]


def _scores_cell(volume: VolumeResults, method: str, level: float, columns: Sequence[tuple[str, int]]) -> Spans:
    """The values of some columns with a slash between, the best ones marked."""
    spans: list[Span] = []
    for column, digits in columns:
        score = volume.score(method, level, column)
        if not score.seeds:
            continue
        best_blind = method in volume.leaders(column, level, digits=digits, blind=True)
        best = method in volume.leaders(column, level, digits=digits, blind=False)
        spans += [Span(" / ")] if spans else []
        spans += [Span(in_print(score, digits) + (BEST if best else ""), strong=best_blind)]
    return tuple(spans) or cell(EMPTY)


def _by_level(volume: VolumeResults, title: str, columns: Sequence[tuple[str, int]], caption: str) -> Table:
    notes = Footnotes()
    rows = tuple(
        (_name(volume, method, notes, _slices(volume, method)), *_level_cells(volume, method, columns))
        for method in volume.measured_methods
    )
    return Table(title, _level_header(volume), rows, notes.texts, caption)


def _by_column(volume: VolumeResults, title: str, columns: Mapping[str, str], form: str, caption: str) -> Table:
    """One column of the table for each of `columns` (name in the results: in print), at the typical level."""
    notes = Footnotes()
    rows = []
    for method in volume.measured_methods:
        scores = [volume.score(method, volume.median_tissue_sigma, column) for column in columns]
        if any(score.seeds for score in scores):
            texts = [form.format(score.mean) if score.seeds else EMPTY for score in scores]
            rows.append((_name(volume, method, notes, _slices(volume, method)), *map(cell, texts)))
    return Table(title, ("method", *columns.values()), tuple(rows), notes.texts, caption)


def _sigma_table(volume: VolumeResults) -> Table:
    rows = []
    for method in volume.measured_methods:
        scores = volume.scores(method, "sigma_error")
        if any(score.seeds for score in scores):
            texts = [f"{100 * score.mean:+.1f}" if score.seeds else EMPTY for score in scores]
            rows.append((cell(volume.method_title(method)), *map(cell, texts)))
    caption = "(found − true) / true in percent, for methods that find the noise level themselves."
    return Table("Error of the noise level found", _level_header(volume), tuple(rows), caption=caption)


def _cost_table(volume: VolumeResults) -> Table:
    notes = Footnotes()
    rows = []
    for method in volume.measured_methods:
        seconds, memory = (
            [score.mean for score in volume.scores(method, column) if score.seeds] for column in ("seconds", "peak_mib")
        )
        texts = [
            f"{sum(seconds) / len(seconds):.1f}" if seconds else EMPTY,
            f"{max(seconds):.1f}" if seconds else EMPTY,
            f"{max(memory):.0f}" if memory else EMPTY,
        ]
        if seconds or memory:
            rows.append((_name(volume, method, notes, _slices(volume, method)), *map(cell, texts)))
    header = ("method", "seconds, mean over levels", "seconds, longest", "peak MiB")
    caption = "Of one call on the noisy volume; memory above what was held before the call."
    return Table("Seconds and memory", header, tuple(rows), notes.texts, caption)


def _name(volume: VolumeResults, method: str, notes: Footnotes, remarks: Sequence[str]) -> Spans:
    return cell("\N{NO-BREAK SPACE}".join(filter(None, [volume.method_title(method), notes.mark(remarks)])))


def _remarks(volume: VolumeResults, method: str) -> list[str]:
    failures = [
        f"No figures{where and ' ' + where}: {reason.rstrip('.')}." for reason, where in volume.failures(method).items()
    ]
    note = volume.notes.get(method)
    return [*([note] if note else []), *_slices(volume, method), *failures]


def _slices(volume: VolumeResults, method: str) -> list[str]:
    return [] if volume.is_comparable(method) else [volume.slices_remark(method)]
