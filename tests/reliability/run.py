"""``make fuzz``: thousands of damaged scans, hundreds of interrupted writes, and what came of them as a table.

``--seed S --only N`` tries input N of seed S again and says what comes of it.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import itk
import torch
from tqdm import tqdm

from tests.reliability.fuzz import Fuzz, Tried
from tests.reliability.interruptions import WRITES, Interruption, interruptions

INTERRUPTIONS = ("killed before a change to the disk", "size of files limited")
Outcome = TypeVar("Outcome", Tried, Interruption)
COLUMNS = ("kind", "tried", "refused", "unchanged", "as_it_says", "escapes")


def rows(outcomes: Iterable[tuple[str, str]]) -> list[dict[str, object]]:
    """For each kind: how many were tried, refused, read unchanged, read as the file now says, and escaped."""
    count: dict[str, Counter[str]] = {}
    for kind, outcome in outcomes:
        count.setdefault(kind, Counter())[outcome] += 1
    names = {"refused": "refused", "unchanged": "unchanged", "as_it_says": "as it says", "escapes": "escape"}
    return [
        {"kind": kind, "tried": sum(count[kind].values()), **{name: count[kind][key] for name, key in names.items()}}
        for kind in sorted(count)
    ]


def interrupt(task: tuple[str, int, bool, int]) -> list[Interruption]:
    """All interruptions of one of `WRITES`; for a process of its own."""
    folder, number, overwrite, limits = task
    return interruptions(Path(folder, f"{number}{overwrite}"), WRITES[number], overwrite=overwrite, limits=limits)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=17, help="of the damage")
    parser.add_argument("--inputs", type=int, default=6000, help="how many damaged scans")
    parser.add_argument("--limits", type=int, default=6, help="how many sizes of files for each format written")
    parser.add_argument("--only", type=int, metavar="N", help="try input N alone, and say what comes of it")
    parser.add_argument("--csv", type=Path, help="write the table here, and into the page beside it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    itk.MultiThreaderBase.SetGlobalMaximumNumberOfThreads(1)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz_") as folder:
        fuzz = Fuzz(options.seed, Path(folder))
        if options.only is not None:
            print(fuzz.try_one(options.only))
            return 0
        tried = list(shown(fuzz.try_all(list(range(options.inputs))), options.inputs))
        tasks = [(folder, number, overwrite, options.limits) for number in range(len(WRITES)) for overwrite in (0, 1)]
        with multiprocessing.get_context("fork").Pool(2) as pool:
            found = (each for some in pool.imap_unordered(interrupt, tasks) for each in some)
            interrupted = list(shown(found, None))
    return report(tried, interrupted, options.csv, minutes=(time.monotonic() - start) / 60)


def shown(outcomes: Iterable[Outcome], total: int | None) -> Iterator[Outcome]:
    """The outcomes, with a progress bar and a line for each escape."""
    for each in tqdm(outcomes, total=total, mininterval=5):
        if is_escape(each):
            tqdm.write(str(each), file=sys.stderr)
        yield each


def is_escape(each: Tried | Interruption) -> bool:
    """Whether what is promised did not hold."""
    return bool(each.problem) if isinstance(each, Interruption) else each.verdict.outcome == "escape"


def report(tried: list[Tried], interrupted: list[Interruption], path: Path | None, *, minutes: float) -> int:
    """Print the table and the escapes, write the table, and return the exit code."""
    table = rows((each.kind, each.verdict.outcome) for each in tried)
    table += rows((each.kind, "escape" if each.problem else each.outcome) for each in interrupted)
    for row in table:
        print(" ".join(f"{row[name]:>50}" if name == "kind" else f"{row[name]:>10}" for name in COLUMNS))
    escapes = [each for each in (*tried, *interrupted) if is_escape(each)]
    print(*escapes, sep="\n")
    print(f"{len(tried)} inputs, {len(interrupted)} interruptions, {len(escapes)} escapes, {minutes:.1f} minutes")
    if path is not None:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
        page = path.with_suffix(".md")
        before, mark, rest = page.read_text().partition("<!-- results -->\n")
        _, end, after = rest.partition("\n<!-- end of results -->")
        page.write_text(before + mark + as_markdown(table) + end + after)
    return 1 if escapes else 0


def as_markdown(table: Sequence[Mapping[str, object]]) -> str:
    """The table of the page, and the sentence above it."""
    count = {row["kind"]: int(str(row["tried"])) for row in table}
    interrupted = sum(count[kind] for kind in INTERRUPTIONS)
    escapes = sum(int(str(row["escapes"])) for row in table)
    lines = [
        f"Tried: {sum(count.values()) - interrupted} damaged scans and {interrupted} interrupted writes. "
        f"Escapes: {escapes}.",
        "",
        "| " + " | ".join(name.replace("_", " ") for name in COLUMNS) + " |",
        "| --- " + "| ---: " * (len(COLUMNS) - 1) + "|",
        *("| " + " | ".join(str(row[name]) for name in COLUMNS) + " |" for row in table),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
