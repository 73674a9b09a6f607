"""dB against seconds, of every method that has both in the committed tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from experiments.speed_page import TITLES
from monai_unsup_denoise.benchmark.report.figures import ReportFigure

DOCS = Path(__file__).resolve().parents[2] / "docs"
VOXELS = 6_998_400  # of speed.csv: a whole head with voxels of 1 mm
VOLUME, LEVEL = "brainweb_t1w", 15  # of results.csv
#: The method of speed.csv in results.csv, where it has another name there.
OTHER_NAMES = {"dipy": "nlmeans", "bm4d": "bm4d_vst"}

# Okabe and Ito's colours, safe for colour-blind readers. Marker, colour, place of the label (points from the marker).
_STYLES = {
    "ours": ("o", "black", (10, 6)),
    "ours_no_refinement": ("s", "black", (4, -24)),
    "dipy": ("D", "#0072B2", (10, -5)),
    "sanlm": ("v", "#D55E00", (10, -5)),
    "ants": ("P", "#007A58", (10, -5)),
    "bm4d": ("X", "#A8457D", (-6, -24)),
}
_FONT = 12


def draw_speed_quality() -> bytes:
    """A PNG file."""
    speed, results = (pd.read_csv(DOCS / name) for name in ("speed.csv", "benchmark/results.csv"))
    figure = speed_quality_figure(points(speed, results), noisy=_scores(results).loc["noisy", "psnr"])
    return ReportFigure("speed_quality", "", "", figure).png()


def points(speed: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """``seconds`` of speed.csv, ``psnr`` of results.csv and ``given_sigma``, by the method's name in speed.csv."""
    rows = speed[(speed["voxels"] == VOXELS) & (speed["status"] == "ok")].set_index("method")[["seconds"]]
    scores = _scores(results)[["psnr", "given_sigma"]].rename(index={v: k for k, v in OTHER_NAMES.items()})
    found = rows.join(scores, how="inner")
    return found.assign(given_sigma=found["given_sigma"] == "yes")


def _scores(results: pd.DataFrame) -> pd.DataFrame:
    """The rows of one volume and level, by method."""
    return results[(results["volume"] == VOLUME) & (results["level"] == LEVEL)].set_index("method")


def speed_quality_figure(found: pd.DataFrame, *, noisy: float) -> Figure:
    """The plane of what `points` found, with a line at the PSNR of the noisy scan."""
    figure = Figure(figsize=(6.4, 4.8), dpi=120, layout="constrained")
    axis = figure.subplots()
    for method, row in found.iterrows():
        marker, colour, offset = _STYLES[str(method)]
        axis.plot(row["seconds"], row["psnr"], marker, color=colour, markersize=10, linestyle="none")
        axis.annotate(
            _label(str(method), given_sigma=row["given_sigma"]),
            (row["seconds"], row["psnr"]),
            offset,
            textcoords="offset points",
            ha="left" if offset[0] > 0 else "right",
            color=colour,
            fontsize=_FONT,
            fontweight="bold" if method == "ours" else "normal",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axis.axhline(noisy, color="#666666", linewidth=1, linestyle=":")
    beside = axis.get_yaxis_transform()
    axis.text(0.99, noisy + 0.2, "noisy scan", color="#555555", fontsize=_FONT, ha="right", transform=beside)
    axis.set(xscale="log", xlim=(3, 600), ylim=(noisy - 1.4, found["psnr"].max() + 2.2))
    axis.set_xticks([3, 10, 30, 100, 300], ["3", "10", "30", "100", "300"])
    axis.minorticks_off()
    axis.set_yticks([15, 20, 25, 30])
    axis.set_xlabel("seconds for a whole head at 1 mm (faster: to the left)", fontsize=_FONT)
    axis.set_ylabel("PSNR in dB (better: higher)", fontsize=_FONT)
    axis.tick_params(labelsize=_FONT)
    axis.grid(color="#dddddd", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _label(method: str, *, given_sigma: bool) -> str:
    return TITLES[method].replace("*", "") + (" σ" if given_sigma else "")
