"""The loop over methods and cases, and the table that it fills."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from tqdm import tqdm

from monai_unsup_denoise.benchmark.cases import Case
from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.result_cache import ResultCache
from monai_unsup_denoise.benchmark.scores import SCORE_COLUMNS
from monai_unsup_denoise.benchmark.worker import MethodError, run_method
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import SCANNER_KINDS

if TYPE_CHECKING:
    from monai_unsup_denoise.benchmark.repeats import RepeatCase

CASE_COLUMNS = ("volume", "level", "seed")
_DIGITS = {"ssim_2d": 5, "ssim_3d": 5, "seconds": 3, "peak_mib": 1}  # all others 4
_SCORING_COST = 2.0  # seconds per million voxels

Row = dict[str, Any]


def columns(scores: Sequence[str] = SCORE_COLUMNS, case: Sequence[str] = CASE_COLUMNS) -> list[str]:
    """Of results.csv, one row for each case and method."""
    return [*case, "method", "given_sigma", "slices", *scores, "seconds", "peak_mib", "versions", "status"]


def run_benchmark(
    cases: Sequence[Case | RepeatCase],
    methods: Sequence[ResolvedMethod],
    cache: ResultCache,
    *,
    results: Path,
    threads: int = 1,
    previous: pd.DataFrame | None = None,
    order: Sequence[str] = (),
    scores: Sequence[str] = SCORE_COLUMNS,
    case_columns: Sequence[str] = CASE_COLUMNS,
) -> pd.DataFrame:
    """Measure every method on every case; write ``results`` (CSV) after each method, and when the run is interrupted.

    Cells in the cache are not computed again. A method that is unavailable or fails gives rows with the reason as
    status. The progress bar, on a terminal, counts the expected seconds.

    Args:
        cases: noisy volumes.
        methods: resolved for this machine.
        cache: of finished cells.
        results: path of results.csv.
        threads: that the libraries of a method may use.
        previous: rows of an earlier benchmark, kept where this one has none.
        order: names of all methods, in the order of the rows; those of ``methods`` by default.
        scores: columns that the cases measure.
        case_columns: that tell cases apart.

    Returns:
        The content of the file, see :func:`results_frame`.
    """
    order = order or [method.method.name for method in methods]
    cached = [[cache.load(case, method) for case in cases] for method in methods]
    to_do = [
        _cost(case, method)
        for method, known in zip(methods, cached, strict=True)
        for case, row in zip(cases, known, strict=True)
        if row is None
    ]
    rows: list[Row] = []

    def save() -> pd.DataFrame:
        frame = results_frame(rows, previous, order, scores, case_columns)
        with atomic_write(results) as partial:
            frame.to_csv(partial, index=False)
        return frame

    bar_format = "{desc} {percentage:3.0f}%|{bar}| {elapsed} elapsed, {remaining} left"
    try:
        with tqdm(total=sum(to_do), bar_format=bar_format, disable=None) as bar:
            for method, known in zip(methods, cached, strict=True):
                bar.set_description(method.method.name)
                for case, row in zip(cases, known, strict=True):
                    if row is None:
                        row = _compute(case, method, cache, threads, bar)
                        bar.update(_cost(case, method))
                    rows.append(row)
                save()
    except BaseException:  # Ctrl-C too
        if rows:
            save()
        raise
    return results_frame(rows, previous, order, scores, case_columns)


def results_frame(
    rows: Sequence[Row],
    previous: pd.DataFrame | None = None,
    order: Sequence[str] = (),
    scores: Sequence[str] = SCORE_COLUMNS,
    case: Sequence[str] = CASE_COLUMNS,
) -> pd.DataFrame:
    """Rows as in results.csv: by volume in order of appearance, kind of noise, level, seed, and method as ordered."""
    names = columns(scores, case)
    frame = pd.DataFrame([[row.get(name) for name in names] for row in rows], columns=names)
    frame = frame.astype(dict.fromkeys([*scores, "seconds", "peak_mib"], float))
    if previous is not None and not previous.empty:
        frame = pd.concat([previous, frame], ignore_index=True).drop_duplicates([*case, "method"], keep="last")
    keys = frame[[*case, "method"]].copy()
    for name, words in {"volume": frame["volume"], "kind": SCANNER_KINDS, "method": order}.items():
        if name in keys:
            keys[name] = keys[name].map({word: n for n, word in enumerate(dict.fromkeys(words))})
    return frame.loc[keys.sort_values([*case, "method"], kind="stable").index].reset_index(drop=True)


def read_results(
    path: Path, scores: Sequence[str] = SCORE_COLUMNS, case: Sequence[str] = CASE_COLUMNS
) -> pd.DataFrame | None:
    """The rows of a results.csv; None if there is no such file.

    Raises:
        InputError: if the file is not a table of results.
    """
    if not path.exists():
        return None
    try:
        return pd.read_csv(path)[columns(scores, case)]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: no table of results ({error}); remove it or give another --output-dir") from error


def _compute(case: Case | RepeatCase, method: ResolvedMethod, cache: ResultCache, threads: int, bar: tqdm) -> Row:
    entry, noisy = method.method, case.noisy
    row: Row = {
        "volume": case.volume.name,
        "kind": case.kind,
        "level": int(case.level) if float(case.level).is_integer() else case.level,
        "seed": case.seed,
        "method": entry.name,
        "given_sigma": "yes" if entry.given_sigma else "no",
        "slices": case.volume.slices,
        "versions": method.versions,
    }
    if method.unavailable_reason:
        return row | {"status": _one_line(method.unavailable_reason)}
    sigma = case.sigma if entry.given_sigma else None
    try:
        result = run_method(
            entry.target,
            method.parameters,
            noisy,
            sigma,
            spectrum=case.spectrum if entry.given_spectrum else None,
            python=method.python,
            threads=threads,
            tick=bar.refresh,
        )
    except MethodError as error:
        return row | {"status": _one_line(str(error))}
    numbers = case.measure(result.volume, result.estimated_sigma, result.estimated_lag1) | {
        "seconds": result.seconds,
        "peak_mib": result.peak_mib,
    }
    row |= {name: _rounded(value, _DIGITS.get(name, 4)) for name, value in numbers.items()} | {"status": "ok"}
    cache.save(case, method, row, result.volume)
    return row


def _cost(case: Case | RepeatCase, method: ResolvedMethod) -> float:
    return 0.0 if method.unavailable_reason else case.megavoxels * (method.method.cost + _SCORING_COST)


def _one_line(reason: str) -> str:
    return " ".join(reason.split())


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
