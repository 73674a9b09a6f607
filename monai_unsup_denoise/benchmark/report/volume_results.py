"""The results on one volume, as tables and figures need them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import NamedTuple

import pandas as pd

from monai_unsup_denoise.benchmark.methods import DenoisingMethod
from monai_unsup_denoise.benchmark.scores import SCORE_COLUMNS
from monai_unsup_denoise.errors import InputError

_NUMBERS = ("level", "seed", *SCORE_COLUMNS, "seconds", "peak_mib")
_MORE_NUMBERS = ("lag1_error",)  # of noise_kinds.csv
_WORDS = ("volume", "method", "given_sigma", "slices", "versions", "status")
_TITLES = {
    "brainweb_t1w": "BrainWeb T1w",
    "brainweb_pdw": "BrainWeb PDw",
    "phantom_t1w": "Phantom T1w",
    "phantom_pdw": "Phantom PDw",
    "phantom_t2w": "Phantom T2w",
}
_TYPICAL_LEVEL = 15.0


class Score(NamedTuple):
    """A score over the seeds it was measured with: NaN if there is none, the deviation also if there is one only."""

    mean: float
    deviation: float
    seeds: int


@dataclass(frozen=True)
class VolumeResults:
    """The rows of one volume.

    Args:
        name: of the volume, as in the results.
        rows: of the results.
        entries: the methods by name, in the order of all tables.
    """

    name: str
    rows: pd.DataFrame
    entries: Mapping[str, DenoisingMethod]

    @property
    def title(self) -> str:
        """The volume's name in print."""
        return _TITLES.get(self.name, self.name)

    @cached_property
    def levels(self) -> list[float]:
        """Noise levels in percent, ascending."""
        return sorted(self.rows["level"].unique().tolist())

    @property
    def seeds(self) -> list[int]:
        """Seeds of the noise, ascending."""
        return sorted(int(seed) for seed in self.rows["seed"].unique())

    @cached_property
    def methods(self) -> list[str]:
        """Names of the methods in the order of the entries; unknown ones come last."""
        present = self.rows["method"].unique().tolist()
        return sorted(present, key=[*self.entries, *present].index)

    @property
    def measured_methods(self) -> list[str]:
        """Names of the methods that were measured at one level or more."""
        return [method for method in self.methods if any(score.seeds for score in self.scores(method, "psnr"))]

    @property
    def typical_level(self) -> float:
        """The level nearest 15 %, for tables and figures of one level."""
        return min(self.levels, key=lambda level: abs(level - _TYPICAL_LEVEL))

    @cached_property
    def usual_slices(self) -> str:
        """The slices of most measured rows, such as "all" or "70-109"."""
        slices = self._ok["slices"].mode()
        return "" if slices.empty else str(slices.iloc[0])

    def method_title(self, method: str) -> str:
        """Its name in print, with σ if it is given sigma, and † if it was trained on true pairs."""
        entry = self.entries.get(method)
        marks = ("σ" if self.is_given_sigma(method) else "") + ("†" if entry and entry.trained_on_pairs else "")
        title = entry.title if entry else method
        return f"{title}\N{NO-BREAK SPACE}{marks}" if marks else title

    def note(self, method: str) -> str:
        """Its footnote; "" if there is none."""
        return self.entries[method].note if method in self.entries else ""

    def is_given_sigma(self, method: str) -> bool:
        """Whether the method was given the true sigma."""
        return method in self._given_sigma

    def is_comparable(self, method: str) -> bool:
        """Whether all its results are of the usual slices."""
        return method not in self._unusual

    def competes(self, method: str, *, blind: bool) -> bool:
        """Whether it can be marked as best: on the usual slices, without true pairs and, if `blind`, without sigma."""
        is_bound = method in self.entries and self.entries[method].trained_on_pairs
        return self.is_comparable(method) and not is_bound and not (blind and self.is_given_sigma(method))

    def slices_remark(self, method: str) -> str:
        """The slices of a method that is not comparable."""
        slices = " and ".join(self._ok.loc[self._ok["method"] == method, "slices"].unique())
        return f"Measured on slices {slices} of the last axis, most rows on {self.usual_slices}; never marked as best."

    def score(self, method: str, level: float, column: str) -> Score:
        """A column of a method at a level, over the seeds that succeeded."""
        measured = self._measured.get((method, level), {}).get(column, ())
        values = [value for value in measured if not math.isnan(value)]
        if not values:
            return Score(math.nan, math.nan, 0)
        return Score(fmean(values), stdev(values) if len(values) > 1 else math.nan, len(values))

    def scores(self, method: str, column: str) -> list[Score]:
        """A column of a method, one score for each level."""
        return [self.score(method, level, column) for level in self.levels]

    def leaders(self, column: str, level: float, *, digits: int, blind: bool) -> set[str]:
        """The methods with the highest value at a level, among those that compete.

        Args:
            column: higher is better.
            level: in percent.
            digits: values that are equal in print are equally good.
            blind: without the methods that are given sigma.
        """
        scores = {name: self.score(name, level, column) for name in self.methods if self.competes(name, blind=blind)}
        values = {name: round(score.mean, digits) for name, score in scores.items() if score.seeds}
        return {name for name, value in values.items() if value == max(values.values())}

    def failures(self, method: str) -> dict[str, str]:
        """Reasons for missing results, and the levels: "" for all rows, else such as "at 5, 30 %"."""
        rows = self.rows[self.rows["method"] == method]
        failed = rows[rows["status"] != "ok"]
        if len(failed) == len(rows) and failed["status"].nunique() == 1:
            return {str(failed["status"].iloc[0]): ""}
        return {
            str(reason): f"at {', '.join(f'{level:g}' for level in sorted(group['level'].unique()))} %"
            for reason, group in failed.groupby("status", sort=False)
        }

    @cached_property
    def _ok(self) -> pd.DataFrame:
        return self.rows[self.rows["status"] == "ok"]

    @cached_property
    def _given_sigma(self) -> set[str]:
        return set(self.rows.loc[self.rows["given_sigma"] == "yes", "method"])

    @cached_property
    def _unusual(self) -> set[str]:
        return set(self._ok.loc[self._ok["slices"] != self.usual_slices, "method"])

    @cached_property
    def _measured(self) -> dict[tuple[str, float], dict[str, list[float]]]:
        """Columns by method and level."""
        groups = self._ok.groupby(["method", "level"], sort=False)
        numbers = [column for column in (*_NUMBERS, *_MORE_NUMBERS) if column in self.rows]
        return {key: group[numbers].to_dict("list") for key, group in groups}


def volume_results(results: pd.DataFrame, methods: Sequence[DenoisingMethod]) -> list[VolumeResults]:
    """The results of a benchmark by volume, in the order of their first rows.

    Args:
        results: the frame of results.csv, one row for each volume, level, seed and method.
        methods: in the order of all tables.

    Raises:
        InputError: if there is no row, a column is missing, or a column of numbers contains something else.
    """
    if missing := [column for column in (*_WORDS, *_NUMBERS) if column not in results]:
        raise InputError(f"results: no column {', '.join(missing)}; give the results.csv of `mri-denoise benchmark`")
    if results.empty:
        raise InputError("results: nothing was measured, there is no row; run `mri-denoise benchmark`")
    results = results.copy()
    for column in _NUMBERS:
        try:
            results[column] = pd.to_numeric(results[column])
        except (ValueError, TypeError) as error:
            raise InputError(f"results: column {column} holds something that is no number; repair it") from error
    for column in _WORDS:
        results[column] = results[column].fillna("").astype(str)
    entries = {method.name: method for method in methods}
    return [VolumeResults(str(name), rows, entries) for name, rows in results.groupby("volume", sort=False)]
