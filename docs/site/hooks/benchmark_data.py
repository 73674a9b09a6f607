"""The directive ``{benchmark-explorer}``: results.csv and noise_kinds.csv as an interactive table and plot.

The rows are written into the page, because a page that is opened from the disk may not fetch files.
"""

import csv
import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_SITE = Path(__file__).parents[1]
_FILES = ("docs/benchmark/results.csv", "docs/benchmark/noise_kinds.csv")
_METHODS = "bundles/brain_mri_denoise/configs/benchmark.json"
_PAGE = "docs/site/benchmark"
_SCRIPTS = ("benchmark_plot.js", "benchmark_table.js", "benchmark.js")
_PLACES = {"brainweb": "BrainWeb"}
#: Column: its heading, its digits in print, whether more (1) or less (-1) is better, or neither is (0).
METRICS = {
    "psnr": ("PSNR, dB", 2, 1),
    "ssim_3d": ("SSIM, 3-D", 3, 1),
    "psnr_fg": ("PSNR over the foreground, dB", 2, 1),
    "ssim_2d": ("SSIM, 2-D", 3, 1),
    "sigma_error": ("Error of sigma, fraction", 3, 0),
    "residual_lag1": ("Autocorrelation of the residual, lag 1", 3, 0),
    "gradient_correlation": ("Correlation of residual and gradient", 3, 0),
    "seconds": ("Seconds", 1, -1),
    "peak_mib": ("Memory, MiB", 0, -1),
}


class BenchmarkExplorer(SphinxDirective):
    """The controls from ``templates/explorer.html`` and the rows as JSON."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        for name in (*_FILES, _METHODS):
            self.env.note_dependency(str(root / name))
        template = (_SITE / "templates" / "explorer.html").read_text(encoding="utf-8")
        data = json.dumps(explorer_data(root), separators=(",", ":")).replace("<", "\\u003c")
        return [nodes.raw("", template.replace("{{ data }}", data), format="html")]


def explorer_data(root: Path) -> dict[str, Any]:
    """The rows of both files that have scores, and the titles of methods and metrics."""
    config = json.loads((root / _METHODS).read_text(encoding="utf-8"))
    methods = {**config["methods"], **config["more_methods"]}
    rows = []
    for path in _FILES:
        with (root / path).open(encoding="utf-8", newline="") as file:
            rows += [_row(row) for row in csv.DictReader(file) if row["status"] == "ok"]
    return {
        "metrics": [
            dict(zip(("column", "title", "digits", "better"), (n, *m), strict=True)) for n, m in METRICS.items()
        ],
        "methods": {
            name: {
                "title": entry["title"],
                "note": entry.get("note", ""),
                "pairs": entry.get("trained_on_pairs", False),
            }
            for name, entry in methods.items()
        },
        "rows": rows,
    }


def _row(row: dict[str, str]) -> dict[str, Any]:
    return {
        "volume": _volume_title(row["volume"]),
        "kind": row.get("kind", "white").replace("_", " "),
        "level": float(row["level"]),
        "method": row["method"],
        "given": row["given_sigma"] == "yes",
        **{name: float(row[name]) for name in METRICS if row.get(name)},
    }


def _volume_title(volume: str) -> str:
    where, contrast = volume.rsplit("_", 1)
    return f"{_PLACES.get(where, where.capitalize())} {contrast[:-1].upper()}{contrast[-1]}"


def _add_scripts(app: Sphinx, page: str, *_: object) -> None:
    if page == _PAGE:
        for script in _SCRIPTS:
            app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("benchmark-explorer", BenchmarkExplorer)
    app.connect("html-page-context", _add_scripts)
    return {"parallel_read_safe": True}
