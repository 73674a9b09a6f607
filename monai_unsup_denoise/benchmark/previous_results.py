"""Rows of an earlier benchmark that a new one does not compute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from monai_unsup_denoise.benchmark.rows import COLUMNS, results_frame
from monai_unsup_denoise.errors import InputError

_CASE = ["volume", "level", "seed"]


def read_previous_results(path: Path) -> pd.DataFrame:
    """The rows of a ``results.csv``; none if there is no such file.

    Raises:
        InputError: if the file is no table of results.
    """
    if not path.exists():
        return results_frame([])
    try:
        return pd.read_csv(path)[list(COLUMNS)]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: no table of results ({error}); remove it or give another --output-dir") from error


def merge_results(earlier: pd.DataFrame, new: pd.DataFrame, *, methods: Sequence[str]) -> pd.DataFrame:
    """New rows, and earlier ones of other cases or methods; by volume as they first appear, level and seed, and within
    these in the order of ``methods``."""
    if earlier.empty:
        return new
    rows = pd.concat([earlier, new], ignore_index=True).drop_duplicates([*_CASE, "method"], keep="last")
    place = {name: number for number, name in enumerate(methods)}
    volumes = {name: number for number, name in enumerate(dict.fromkeys(rows["volume"]))}
    keys = rows[_CASE].assign(volume=rows["volume"].map(volumes), method=rows["method"].map(place))
    return rows.loc[keys.sort_values([*_CASE, "method"], kind="stable").index].reset_index(drop=True)
