"""The tables of docs/speed.md and its figure, from the CSVs of `speed.py` and of `backends.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.figures import ReportFigure
from monai_unsup_denoise.benchmark.report.line_figures import DPI
from monai_unsup_denoise.files import atomic_write

START, END = "<!-- tables of speed.csv -->", "<!-- end of the tables -->"
TITLES = {
    "ours": "**Ours**",
    "ours_no_refinement": "**Ours, no refinement**",
    "ours_no_refinement_float32": "**Ours, no refinement, float32**",
    "dipy": "DIPY blockwise NLM",
    "sanlm": "SANLM (CAT12)",
    "ants": "ANTs DenoiseImage",
    "bm4d": "BM4D",
}
BACKENDS_START, BACKENDS_END = "<!-- table of backends.csv -->", "<!-- end of the table of backends.csv -->"
BACKEND_TITLES = {
    "pytorch_float32": "PyTorch, public functions",
    "ours_float32": "**Ours** (fused operators)",
    "pytorch": "PyTorch, public functions",
    "ours": "**Ours** (fused operators)",
    "torchscript": "TorchScript",
    "compile": "`torch.compile`",
    "compile_freezing": "`torch.compile`, freezing",
    "openvino": "OpenVINO",
    "openvino_float32": "OpenVINO",
    "onnxruntime": "ONNX Runtime",
    "openvino_int8": "OpenVINO, quantized by NNCF",
}
_STYLES = dict(zip(TITLES, ("-o", "--s", ":^", "-D", "-v", "-P", "-X"), strict=True))
# Okabe and Ito's colours, safe for colour-blind readers; ours are black.
_COLOURS = {"dipy": "#0072B2", "sanlm": "#D55E00", "ants": "#009E73", "bm4d": "#CC79A7"}
_HEAD = "voxels|method|seconds|of DIPY's|s per million voxels|core-seconds|start-up s|peak MiB|above imports|PSNR in dB"


def write_page(results: Path) -> None:
    """Write the figure beside a CSV, and its tables into the page of the same name, if there is one."""
    rows = pd.read_csv(results)
    with atomic_write(results.with_suffix(".png")) as partial:
        partial.write_bytes(ReportFigure("speed", "", "", speed_figure(rows)).png())
    fill_page(results.with_suffix(".md"), START, END, speed_tables(rows))


def write_backends(results: Path) -> None:
    """Write the table of a CSV of `backends.py` into the page `speed.md` beside it, if there is one."""
    fill_page(results.with_name("speed.md"), BACKENDS_START, BACKENDS_END, backend_tables(pd.read_csv(results)))


def speed_tables(rows: pd.DataFrame) -> str:
    """Markdown: what was measured of each volume and method, the share of the matmul limit, machine and versions."""
    methods = rows[rows["method"].isin(TITLES)]
    measured = methods[methods["status"] == "ok"]
    lines = [
        (
            f"{row.voxels / 1e6:.1f} M",
            TITLES[row.method],
            f"{row.seconds:.1f}",
            _number(row.ratio_to_dipy, ".1f", "×"),
            f"{row.seconds / row.voxels * 1e6:.2f}",
            f"{row.core_seconds:.1f}",
            f"{row.start_up_seconds:.1f}",
            f"{row.peak_mib:.0f}",
            f"{row.peak_above_mib:.0f}",
            _number(row.psnr, ".2f"),
        )
        for row in measured.itertuples()
    ]
    tables = [markdown_table(_HEAD.split("|"), lines)]
    matmul = rows[(rows["method"] == "matmul") & (rows["status"] == "ok")]
    limits = [("matrix product", row.precision, "", f"{row.gflop_per_second:.0f}", "") for row in matmul.itertuples()]
    shares = [
        (
            f"{TITLES[row.method]}, {row.voxels / 1e6:.1f} M voxels",
            row.precision,
            f"{row.gflop:.0f}",
            f"{row.gflop_per_second:.0f}",
            _number(100 * row.share_of_matmul, ".0f", " %"),
        )
        for row in measured[measured["gflop"].notna()].itertuples()
    ]
    head = ["", "precision", "GFLOP", "GFLOP per second", "of the matrix product"]
    tables.append(markdown_table(head, [*limits, *shares]))
    seen = methods.drop_duplicates("method").fillna("").itertuples()
    about = [(TITLES[row.method], row.versions, row.precision, row.status) for row in seen]
    tables.append(markdown_table(["method", "versions", "precision", "status"], about))
    used = [(row.machine, str(row.threads)) for row in rows.drop_duplicates(["machine", "threads"]).itertuples()]
    tables.append(markdown_table(["machine", "threads"], used))
    return "\n".join(tables)


def backend_tables(rows: pd.DataFrame) -> str:
    """Markdown: what was measured of each backend, its versions and status, the machine."""
    head = "backend|precision|seconds|start-up s|peak MiB|above imports|difference in σ|further packages|MB|licence"
    lines = [
        (
            BACKEND_TITLES[row.backend],
            row.precision,
            f"{row.seconds:.2f}",
            f"{row.start_up_seconds:.1f}",
            f"{row.peak_mib:.0f}",
            f"{row.peak_above_mib:.0f}",
            _number(row.rms_difference_sigma, ".4f"),
            _text(row.further_packages, "none"),
            _number(row.further_mb, ".0f"),
            _text(row.licences),
        )
        for row in rows[rows["status"] == "ok"].itertuples()
    ]
    about = [(BACKEND_TITLES[row.backend], row.precision, _text(row.versions), row.status) for row in rows.itertuples()]
    used = rows.drop_duplicates(["machine", "threads", "voxels"]).itertuples()
    machines = [(row.machine, str(row.threads), f"{row.voxels / 1e6:.1f} M") for row in used]
    tables = [
        markdown_table(head.split("|"), lines),
        markdown_table(["backend", "precision", "versions", "status"], about),
        markdown_table(["machine", "threads", "voxels"], machines),
    ]
    return "\n".join(tables)


def speed_figure(rows: pd.DataFrame) -> Figure:
    """Seconds against voxels, and seconds per million voxels against the PSNR."""
    figure = Figure(figsize=(11.6, 4.4), dpi=DPI, layout="constrained")
    left, right = figure.subplots(1, 2)
    for method, of in rows[rows["status"] == "ok"].groupby("method", sort=False):
        if method in TITLES:
            style, colour = _STYLES[str(method)], _COLOURS.get(str(method), "black")
            left.plot(of["voxels"] / 1e6, of["seconds"], style, color=colour, label=TITLES[str(method)].strip("*"))
            right.plot(of["seconds"] / of["voxels"] * 1e6, of["psnr"], style[-1], color=colour)
    left.set(xscale="log", yscale="log", xlabel="million voxels", ylabel="seconds")
    right.set(xscale="log", xlabel="seconds per million voxels", ylabel="PSNR in dB")
    for axis in (left, right):
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    if left.lines:
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def fill_page(page: Path, start: str, end: str, tables: str) -> None:
    """Replace what is between two lines of a page, if there is one."""
    if page.is_file():
        text = page.read_text(encoding="utf-8")
        block = f"{start}\n\n{tables}\n{end}"
        with atomic_write(page) as partial:
            partial.write_text(re.sub(f"{start}.*{end}", lambda _: block, text, flags=re.DOTALL), encoding="utf-8")


def markdown_table(head: list[str], lines: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table of these lines."""
    rows = [head, ["---"] * len(head), *lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _number(value: float, digits: str, unit: str = "") -> str:
    return "" if pd.isna(value) else f"{value:{digits}}{unit}"


def _text(value: str | float, otherwise: str = "") -> str:
    return otherwise if pd.isna(value) else str(value)
