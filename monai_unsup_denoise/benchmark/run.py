"""Cases x methods: every cell is taken over from before, computed, or a row that says why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pandas as pd
from tqdm import tqdm

from monai_unsup_denoise.benchmark.cases import Case
from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.result_cache import ResultCache
from monai_unsup_denoise.benchmark.rows import Row, failed_row, results_frame, scored_row
from monai_unsup_denoise.benchmark.worker_process import MethodError, MethodProcess
from monai_unsup_denoise.files import atomic_write

#: Seconds per million voxels that noise and scores take, whatever the method.
_SCORING_COST = 2.0


def run_benchmark(
    cases: Sequence[Case],
    methods: Sequence[ResolvedMethod],
    cells: ResultCache,
    *,
    results: Path,
    threads: int = 1,
    join: Callable[[pd.DataFrame], pd.DataFrame] = lambda rows: rows,
) -> pd.DataFrame:
    """Run every method on every case and write ``results``, as a CSV file, after each method.

    Ctrl-C, too, leaves a file with the rows that are there.

    Args:
        cases, methods, cells, threads: see :func:`benchmark_rows`.
        results: path of the CSV file.
        join: adds rows of an earlier benchmark to those of this one, before they are written.

    Returns:
        What the file holds: rows in the order of the cases, and for each case in that of the methods.
    """
    rows: list[Row] = []
    try:
        for row in benchmark_rows(cases, methods, cells, threads=threads):
            rows.append(row)
            if len(rows) % len(cases) == 0:
                _write(join(results_frame(_sorted(rows, cases))), results)
    except BaseException:
        if rows:
            _write(join(results_frame(_sorted(rows, cases))), results)
        raise
    return join(results_frame(_sorted(rows, cases)))


def benchmark_rows(
    cases: Sequence[Case], methods: Sequence[ResolvedMethod], cells: ResultCache, *, threads: int = 1
) -> Iterator[Row]:
    """The rows of all cases, a method at a time, so that one process serves all cases of a method.

    What is computed is in ``cells`` before its row is given: a run that is interrupted goes on from there. On a
    terminal a progress bar counts the expected cost of what is still to compute.

    Args:
        cases: volumes with noise.
        methods: as they are prepared for this machine; one with an obstacle gives rows that say so.
        cells: of this run and earlier ones.
        threads: that a method's libraries may use.
    """
    kept = [_kept(cases, prepared, cells) for prepared in methods]
    total = sum(
        _cost(case, prepared)
        for prepared, rows in zip(methods, kept, strict=True)
        for number, case in enumerate(cases)
        if number not in rows
    )
    bar_format = "{desc} {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left"
    with tqdm(total=total, bar_format=bar_format, disable=None) as bar, _ticking(bar):
        for prepared, rows in zip(methods, kept, strict=True):
            bar.set_description(prepared.method.name)
            with MethodProcess(prepared, threads=threads) as process:
                for number, case in enumerate(cases):
                    if number in rows:
                        yield rows[number]
                    else:
                        yield _compute(case, prepared, process, cells)
                        bar.update(_cost(case, prepared))


@contextmanager
def _ticking(bar: tqdm) -> Iterator[None]:
    """Let the time on a bar go on while a method takes minutes."""
    ended = Event()

    def tick() -> None:
        while not ended.wait(1):
            bar.refresh()

    ticker = Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        ended.set()
        ticker.join()


def _sorted(rows: Sequence[Row], cases: Sequence[Case]) -> list[Row]:
    """By case; those of one case stay in the order of the methods."""
    order = {(case.volume.name, case.level, case.seed): number for number, case in enumerate(cases)}
    return sorted(rows, key=lambda row: order[row["volume"], row["level"], row["seed"]])


def _write(rows: pd.DataFrame, path: Path) -> None:
    with atomic_write(path) as partial:
        rows.to_csv(partial, index=False)


def _kept(cases: Sequence[Case], prepared: ResolvedMethod, cells: ResultCache) -> dict[int, Row]:
    """By number of the case, the rows that need no computing."""
    if prepared.obstacle is not None:
        return {number: failed_row(case, prepared, prepared.obstacle) for number, case in enumerate(cases)}
    loaded = ((number, cells.load(case, prepared)) for number, case in enumerate(cases))
    return {number: row for number, row in loaded if row is not None}


def _compute(case: Case, prepared: ResolvedMethod, process: MethodProcess, cells: ResultCache) -> Row:
    noisy = case.noisy
    try:
        denoised = process.denoise(noisy, case.sigma if prepared.method.given_sigma else None)
    except MethodError as failure:
        return failed_row(case, prepared, str(failure))
    row = scored_row(case, prepared, noisy, denoised)
    cells.save(case, prepared, row, noisy=noisy, denoised=denoised.volume)
    return row


def _cost(case: Case, prepared: ResolvedMethod) -> float:
    return case.megavoxels * (prepared.method.cost + _SCORING_COST)
