"""One page for the reports of a folder, with the scans that should be looked at first."""

from __future__ import annotations

import html
import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import write_text
from monai_unsup_denoise.scan_report.rendering import render

_WORST_FIRST = ("bad", "look", "good")
_HEAD = 2**16  # bytes at the start of a report, in which its summary is
_SUMMARY = re.compile(r'<meta name="mri-denoise-report" content="([^"]*)">')


def write_index(path: Path, reports: Iterable[Path]) -> None:
    """Write the index of these reports, which are linked relative to it; those that are not ours are left out.

    Raises:
        InputError: as `check_index`, or if the disk refuses.
    """
    check_index(path)
    summaries = [(report, summary) for report in reports if (summary := read_summary(report)) is not None]
    rows = [_row(os.path.relpath(report, path.parent), summary) for report, summary in summaries]
    rows.sort(key=lambda row: (_WORST_FIRST.index(row["kind"]), -row["detail"], row["name"]))
    counts = Counter(row["kind"] for row in rows)
    write_text(path, render("index.html", rows=rows, counts=counts))


def check_index(path: Path) -> None:
    """Say before any work is done whether an index can be written.

    Raises:
        InputError: if it would replace a page that is not ours.
    """
    if path.exists() and (not path.is_file() or b"mri-denoise-index" not in _head(path)):
        raise InputError(f"{path}: is no index of reports; move it away, or give another output folder")


def read_summary(report: Path) -> dict[str, Any] | None:
    """The numbers of a report, as `write_report` put them into its head; None for another page."""
    try:
        found = _SUMMARY.search(_head(report).decode("utf-8", errors="replace"))
        return None if found is None else json.loads(html.unescape(found[1]))
    except (OSError, ValueError):
        return None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def _row(link: str, summary: dict[str, Any]) -> dict[str, Any]:
    kinds = [verdict["kind"] for verdict in summary["verdicts"]]
    noise, residual = summary["noise"], summary["residual"] or {}
    ratios = [summary["quality"][when]["SNR"] for when in ("before", "after")]
    return {
        "link": quote(os.fsencode(Path(link).as_posix())),
        "name": summary["name"],
        "kind": min(kinds, key=_WORST_FIRST.index),
        "texts": [verdict["text"] for verdict in summary["verdicts"] if verdict["kind"] != "good"],
        "sigma": "–" if noise["sigma_percent"] is None else f"{noise['sigma_percent']:.1f} %",
        "snr": " → ".join("–" if ratio is None else f"{ratio:.1f}" for ratio in ratios),
        "detail": residual.get("detail") or 0.0,
    }
