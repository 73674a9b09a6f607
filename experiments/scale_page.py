"""The tables of docs/scale.md: from docs/scale.csv, and a plan for a million scans from docs/speed.csv.

python -m experiments.scale_page
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_PAGE = _ROOT / "docs" / "scale.md"
_SCANS = 1_000_000
_WORKERS = 1000
_PRICE = 0.04  # of a core-hour
_HOURS_TO_LOSS = 10  # of a worker


def main() -> None:
    """Write the tables into the page."""
    _PAGE.write_text(filled(_PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(page: str) -> str:
    """The page with its tables as the files of results have them."""
    for name, table in (("table of scale.csv", measured()), ("table of the plan", plan())):
        start, end = f"<!-- {name} -->", f"<!-- end of the {name} -->"
        page = re.sub(f"{start}.*?{end}", f"{start}\n\n{table}\n\n{end}", page, flags=re.DOTALL)
    return page


def measured() -> str:
    """The rows of scale.csv."""
    rows = _read("scale.csv")
    head = ("way", "processes", "scans", "seconds", "core-seconds", "of one process", "peak MiB of a process", "of all")
    one = float(rows[0]["core_seconds"])
    body = [
        (
            row["way"],
            row["processes"],
            row["scans"],
            row["seconds"],
            row["core_seconds"],
            f"{float(row['core_seconds']) / one:.2f}×",
            row["peak_mib_of_a_process"],
            row["peak_mib_together"],
        )
        for row in rows
    ]
    return f"{_table(head, body)}\n\nMachine: {rows[0]['machine']}. {int(rows[0]['voxels']):,} voxels a scan."


def plan() -> str:
    """What a million scans of 7.0 million voxels take."""
    row = next(row for row in _read("speed.csv") if row["method"] == "ours" and row["voxels"] == "6998400")
    core_hours = _SCANS * float(row["core_seconds"]) / 3600
    worker_hours = _SCANS * float(row["seconds"]) / 3600
    losses = worker_hours / _HOURS_TO_LOSS
    lost_hours = losses * (float(row["seconds"]) + float(row["start_up_seconds"])) / 3600
    bytes_of_image = 4 * int(row["voxels"])
    body = [
        ("core-seconds of a scan, measured", f"{float(row['core_seconds']):.1f}"),
        ("core-hours of all", f"{core_hours:,.0f}"),
        (f"hours with {_WORKERS} workers of two threads", f"{worker_hours / _WORKERS:.1f}"),
        ("memory of a worker, measured", f"{int(row['peak_mib'])} MiB"),
        ("images, at most", f"{bytes_of_image / 1e6:.0f} MB each, {_SCANS * bytes_of_image / 1e12:.0f} TB in all"),
        ("files", f"{2 * _SCANS:,}"),
        (f"cost at {_PRICE} a core-hour", f"{core_hours * _PRICE:,.0f}"),
        (f"lost workers, at one in {_HOURS_TO_LOSS} hours of each", f"{losses:,.0f}"),
        ("hours of workers that these cost, at most", f"{lost_hours:.1f} of {worker_hours:,.0f}"),
    ]
    return _table(("what", "how much"), body)


def _read(name: str) -> list[dict[str, str]]:
    with (_ROOT / "docs" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
