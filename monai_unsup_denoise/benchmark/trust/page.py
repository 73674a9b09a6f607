"""The table of all checks as a page, with what misses its bound first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

_ERRORS = 2.0  # standard errors by which a value may be on the wrong side of that of the noisy image


@dataclass(frozen=True)
class Bound:
    """What a check should give.

    Attributes:
        text: as the page says it.
        is_met: by value, standard error (0 if there is none) and the value of the noisy image.
    """

    text: str
    is_met: Callable[[float, float, float], bool]


_AUC = Bound("not below noisy", lambda value, error, noisy: value + _ERRORS * error >= noisy)
BOUNDS = {
    "lesion contrast kept": Bound("0.95 or more", lambda value, error, noisy: value >= 0.95),
    "lesion detection, AUC": _AUC,
    "one spot or two, AUC": _AUC,
    "false alarms": Bound("not above noisy", lambda value, error, noisy: value <= noisy),
    "true frequency": Bound("not below noisy", lambda value, error, noisy: value >= noisy),
    "mean": Bound("within 0.01", lambda value, error, noisy: abs(value) <= 0.01),
    "contrast": Bound("-0.02 or more", lambda value, error, noisy: value >= -0.02),
    "volume": Bound("within 0.005", lambda value, error, noisy: abs(value) <= 0.005),
    "NRMSE after / before": Bound("below 1", lambda value, error, noisy: value < 1),
    "PSNR without noise": Bound("45 dB or more", lambda value, error, noisy: value >= 45),
    "artefact": Bound("0.9 of noisy or more", lambda value, error, noisy: value >= 0.9 * noisy),
}
_FAINT = "CNR 1"  # lesions whose contrast has no bound
_BEFORE = "noisy"


def bound_of(check: str, group: str) -> Bound | None:
    """What a row should give; None if it is there for information."""
    return None if check == "lesion contrast kept" and group.endswith(_FAINT) else BOUNDS.get(check)


def misses(table: pd.DataFrame) -> Iterator[dict]:
    """The rows of `run_trust` that miss their bound, of all methods but the noisy image; without a value, none does."""
    keys = ["kind", "level", "check", "group"]
    before = table[table["method"] == _BEFORE].fillna({"level": -1}).set_index(keys)["value"]
    for row in table[table["method"] != _BEFORE].fillna({"level": -1}).to_dict("records"):
        bound = bound_of(row["check"], row["group"])
        noisy = float(before.get(tuple(row[key] for key in keys), math.nan))
        error = 0.0 if math.isnan(row["error"]) else row["error"]
        if bound is not None and not math.isnan(row["value"]) and not bound.is_met(row["value"], error, noisy):
            yield row


def trust_page(table: pd.DataFrame) -> str:
    """Markdown of the table of `run_trust`: a section for each kind of noise, misses in bold and counted first."""
    missed = {(row["kind"], row["method"], row["check"], row["group"]) for row in misses(table)}
    lines = ["# What denoisers keep and what they invent", ""]
    lines += ["Made by `mri-denoise trust`, which explains the checks. Bold: the bound is missed.", ""]
    for kind, rows in table.groupby("kind", sort=False):
        methods = list(dict.fromkeys(rows["method"]))
        [level] = rows["level"].dropna().unique()
        lines += [f"## Noise: {kind}, {level:g} %", ""]
        for method in methods[1:]:
            bounded = [row for row in rows[rows["method"] == method].to_dict("records") if _has_bound(row)]
            wrong = sum((kind, method, row["check"], row["group"]) in missed for row in bounded)
            lines.append(f"- {method} meets {len(bounded) - wrong} of {len(bounded)} bounds.")
        lines += [
            "",
            "| check | | bound | " + " | ".join(methods) + " |",
            "| --- | --- | --- |" + " --- |" * len(methods),
        ]
        for (check, group), row in rows.groupby(["check", "group"], sort=False):
            bound = bound_of(check, group)
            cells = [
                _cell(row[row["method"] == method], bold=(kind, method, check, group) in missed) for method in methods
            ]
            lines.append(f"| {check} | {group} | {bound.text if bound else ''} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def _has_bound(row: dict) -> bool:
    return bound_of(row["check"], row["group"]) is not None and not math.isnan(row["value"])


def _cell(rows: pd.DataFrame, *, bold: bool) -> str:
    """The value and its standard error, if there is one."""
    if rows.empty or math.isnan(rows["value"].iloc[0]):
        return "–"
    value, error = rows["value"].iloc[0], rows["error"].iloc[0]
    text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"
    text += "" if math.isnan(error) else f" ± {error:.3f}"
    return f"**{text}**" if bold else text
