"""How a method is drawn in every figure, and the frame of the figures with lines."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

# Okabe and Ito's colours without yellow and black: told apart by the colour-blind; markers tell the rest apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*", "d", "h", "o", "8")
_EMPHASIZED, _BACKDROP = "ours", "noisy"
_LEGEND_COLUMNS = 4
_LEGEND_LINE = 0.2  # inches
DPI = 120


def line_style(volume: VolumeResults, method: str) -> dict[str, Any]:
    """Colour, marker and dashes of a method: dashed if it is told sigma, the same in all figures of a volume."""
    known = [*volume.titles, *(name for name in volume.methods if name not in volume.titles)]
    number = known.index(method)
    style: dict[str, Any] = {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": "--" if volume.is_told_sigma(method) else "-",
        "linewidth": 1.4,
        "markersize": 5,
    }
    if method == _EMPHASIZED:
        style |= {"color": "black", "linewidth": 2.8, "markersize": 6, "zorder": 5}
    if method == _BACKDROP:
        style |= {"color": "#888888"}
    return style


def line_figure(panels: int, height: float = 4.2) -> tuple[Figure, list[Axes]]:
    """A figure of panels side by side with light grids, 11.6 inches wide."""
    figure = Figure(figsize=(11.6, height), dpi=DPI, layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for axis in axes:
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def legend_below(figure: Figure, axis: Axes) -> None:
    """Name the lines of one panel under all panels; the figure grows by the room for it."""
    handles, labels = axis.get_legend_handles_labels()
    if not handles:
        return
    lines = -(-len(handles) // _LEGEND_COLUMNS)
    figure.set_figheight(figure.get_figheight() + _LEGEND_LINE * lines + 0.2)
    figure.legend(handles, labels, loc="outside lower center", ncols=_LEGEND_COLUMNS, frameon=False, fontsize=9)
