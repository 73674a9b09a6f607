"""A report on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from monai_unsup_denoise.benchmark.report.content import Report, markdown_report
from monai_unsup_denoise.benchmark.report.drawings import drawings
from monai_unsup_denoise.benchmark.report.page import html_page
from monai_unsup_denoise.benchmark.report.strips import FindPicture
from monai_unsup_denoise.benchmark.report.volume_results import volume_results
from monai_unsup_denoise.files import atomic_write


def write_report(
    folder: str | Path,
    results: pd.DataFrame,
    find_picture: FindPicture,
    *,
    titles: Mapping[str, str],
    notes: Mapping[str, str] | None = None,
    references: Collection[str] = (),
    note: str = "",
    command: str = "",
    conditions: str = "",
) -> Path:
    """Write `tables.md`, `figures/*.png` and `index.html`, each whole or not at all.

    The page has the figures inside, opens from disk and asks nothing of a network. The same results give the
    same files.

    Args:
        folder: where they go, made if need be.
        results: the frame of results.csv.
        find_picture: `(volume, level, seed, method)` to 2-D "noisy", "denoised" and "clean" of the middle slice, clean
            maximum 1, all of one shape; None where there is no such picture.
        titles: what the methods are called in print, in the order of the tables' rows.
        notes: what is said under the tables about a method, such as the budget of its training.
        references: methods trained on true pairs: bounds, never marked as best.
        note: what the reader has to know first, such as that the grid was reduced.
        command: by which command it was made.
        conditions: under which seconds were measured: processor, threads, other load.

    Returns:
        The path of the page.

    Raises:
        InputError: when there is no row in the results or they cannot be read, see `volume_results`.
    """
    folder = Path(folder)
    volumes = volume_results(results, titles, notes, references)
    report = Report(volumes, note, command, conditions)
    drawn = []
    for volume in volumes:
        for drawing in drawings(volume, find_picture):
            png = drawing.png()
            _write(folder / "figures" / f"{drawing.name}.png", png)
            drawn.append((drawing, png))
    _write(folder / "tables.md", markdown_report(report).encode())
    page = folder / "index.html"
    _write(page, html_page(report, drawn).encode())
    return page


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path) as partial:
        partial.write_bytes(content)
