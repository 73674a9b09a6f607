"""What was measured on one volume, as tables and figures ask for it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, stdev
from typing import NamedTuple

import pandas as pd

from monai_unsup_denoise.benchmark import scores
from monai_unsup_denoise.benchmark.rows import BIAS_COLUMNS, LAG_COLUMNS
from monai_unsup_denoise.errors import InputError

#: Columns of `bias_*`, and the part of the maximum that each stands for.
BANDS = dict(zip(BIAS_COLUMNS, scores.BANDS, strict=True))
LAGS = dict(zip(LAG_COLUMNS, scores.LAGS, strict=True))
_SCORES = ("psnr", "psnr_fg", "ssim_2d", "ssim_3d", "sigma_error", "gradient_correlation", "seconds", "peak_mib")
_NUMBERS = ("level", "seed", *_SCORES, *BANDS, *LAGS)
_WORDS = ("volume", "method", "given_sigma", "slices", "versions", "status")

_NAMES = {
    "brainweb_t1w": "BrainWeb T1w",
    "brainweb_pdw": "BrainWeb PDw",
    "phantom_t1w": "Phantom T1w",
    "phantom_pdw": "Phantom PDw",
    "phantom_t2w": "Phantom T2w",
}
_TYPICAL_LEVEL = 15.0  # where one level has to stand for all


class Score(NamedTuple):
    """A quantity over the seeds it was measured with: all NaN where there are none, no deviation for one."""

    mean: float
    deviation: float
    seeds: int


@dataclass(frozen=True)
class VolumeResults:
    """The rows of one volume.

    Args:
        name: of the volume, as in the results.
        rows: those of the results that belong to it.
        titles: what a method is called in print. Its order is that of the rows of all tables.
        notes: what is said of a method under the tables, such as the budget of its training.
        references: methods that were trained on true pairs: bounds for the others, never marked as best.
    """

    name: str
    rows: pd.DataFrame
    titles: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    references: Collection[str] = ()

    @property
    def title(self) -> str:
        """The volume's name in print."""
        return _NAMES.get(self.name, self.name)

    @cached_property
    def levels(self) -> list[float]:
        """Noise levels in percent, rising."""
        return sorted(self.rows["level"].unique().tolist())

    @property
    def seeds(self) -> list[int]:
        """Seeds of the noise, rising."""
        return sorted(int(seed) for seed in self.rows["seed"].unique())

    @cached_property
    def methods(self) -> list[str]:
        """Names of the methods, in the order of the titles; those without a title come last."""
        present = self.rows["method"].unique().tolist()
        return [name for name in self.titles if name in present] + [name for name in present if name not in self.titles]

    @property
    def measured_methods(self) -> list[str]:
        """Names of the methods with figures at one level at least."""
        return [method for method in self.methods if any(score.seeds for score in self.scores(method, "psnr"))]

    @property
    def median_tissue_sigma(self) -> float:
        """The level nearest 15 %."""
        return min(self.levels, key=lambda level: abs(level - _TYPICAL_LEVEL))

    @cached_property
    def usual_slices(self) -> str:
        """The slices that most rows with figures were measured on, such as "all" or "70-109"."""
        measured = self.rows[self.rows["status"] == "ok"]
        return str(measured["slices"].mode().iloc[0]) if len(measured) else ""

    def method_title(self, method: str) -> str:
        """Its name in print, with a σ where it is told the noise level, and a † where it was trained on pairs."""
        marks = ("σ" if self.is_told_sigma(method) else "") + ("†" if method in self.references else "")
        title = self.titles.get(method, method)
        return f"{title}\N{NO-BREAK SPACE}{marks}" if marks else title

    def is_told_sigma(self, method: str) -> bool:
        """Whether the method was given the true noise level."""
        return method in self._told_sigma

    def is_comparable(self, method: str) -> bool:
        """Whether all its figures are of the usual slices."""
        return method not in self._unusual

    def competes(self, method: str, *, blind: bool) -> bool:
        """Whether it can be marked as best: on the usual slices, no reference and, for `blind`, not told sigma."""
        return (
            self.is_comparable(method) and method not in self.references and not (blind and self.is_told_sigma(method))
        )

    def slices_remark(self, method: str) -> str:
        """On which slices a method was measured, unlike most."""
        measured = self._of(method)
        slices = " and ".join(measured.loc[measured["status"] == "ok", "slices"].unique())
        return f"Measured on slices {slices} of the last axis, most rows on {self.usual_slices}; never marked as best."

    def score(self, method: str, level: float, column: str) -> Score:
        """A column's value for a method at a level, over the seeds that succeeded."""
        measured = self._measured.get((method, level), {}).get(column, ())
        values = [value for value in measured if not math.isnan(value)]
        if not values:
            return Score(math.nan, math.nan, 0)
        return Score(fmean(values), stdev(values) if len(values) > 1 else math.nan, len(values))

    def scores(self, method: str, column: str) -> list[Score]:
        """A column's values for a method, one for each level."""
        return [self.score(method, level, column) for level in self.levels]

    def leaders(self, column: str, level: float, *, digits: int, blind: bool) -> set[str]:
        """The methods with the highest value at a level, among those that compete.

        Args:
            column: of which more is better.
            level: in percent.
            digits: values that are equal in print are equally good.
            blind: leave out the methods that are told sigma.
        """
        found = {
            method: round(score.mean, digits)
            for method in self.methods
            if self.competes(method, blind=blind)
            if (score := self.score(method, level, column)).seeds
        }
        return {method for method, value in found.items() if value == max(found.values())}

    def failures(self, method: str) -> dict[str, str]:
        """Why figures are missing: the reason, and where it holds ("" = everywhere, else "at 5, 30 %")."""
        rows = self._of(method)
        failed = rows[rows["status"] != "ok"]
        if failed.empty:
            return {}
        if len(failed) == len(rows) and failed["status"].nunique() == 1:
            return {str(failed["status"].iloc[0]): ""}
        return {
            str(reason): f"at {', '.join(f'{level:g}' for level in sorted(group['level'].unique()))} %"
            for reason, group in failed.groupby("status", sort=False)
        }

    # Tables and figures ask thousands of times, so these three are made once.

    @cached_property
    def _told_sigma(self) -> set[str]:
        return set(self.rows.loc[self.rows["given_sigma"] == "yes", "method"])

    @cached_property
    def _unusual(self) -> set[str]:
        """Methods with figures of other slices than the usual ones."""
        is_unusual = (self.rows["status"] == "ok") & (self.rows["slices"] != self.usual_slices)
        return set(self.rows.loc[is_unusual, "method"])

    @cached_property
    def _measured(self) -> dict[tuple[str, float], dict[str, list[float]]]:
        """By method and level, the columns of the rows with figures."""
        measured = self.rows[self.rows["status"] == "ok"]
        groups = measured.groupby(["method", "level"], sort=False)
        return {key: group[list(_NUMBERS)].to_dict("list") for key, group in groups}

    def _of(self, method: str) -> pd.DataFrame:
        return self.rows[self.rows["method"] == method]


def volume_results(
    results: pd.DataFrame,
    titles: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
    references: Collection[str] = (),
) -> list[VolumeResults]:
    """The results of a benchmark volume by volume, in the order of their first rows.

    Args:
        results: the frame of results.csv, one row for each volume, level, seed and method.
        titles: see `VolumeResults`.
        notes: see `VolumeResults`.
        references: see `VolumeResults`.

    Raises:
        InputError: when there is no row, a column is missing, or one holds something that is no number.
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
    by_volume = results.groupby("volume", sort=False)
    return [VolumeResults(str(name), rows, titles, notes or {}, references) for name, rows in by_volume]
