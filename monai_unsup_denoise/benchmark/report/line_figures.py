"""Figures with one line for each method: PSNR and SSIM by level, bias by intensity, autocorrelation of the residual."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.published import published_scores, published_title
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults
from monai_unsup_denoise.benchmark.scores import BIAS_COLUMNS, LAG_COLUMNS

CURVES_CAPTION = (
    "PSNR (left) and 3-D SSIM (right) over the whole volume against the noise level. Dashed: given sigma. Dotted with "
    "open markers: as published, by a convention that the paper does not state."
)
BIAS_CAPTION = (
    "Mean of denoised − clean in units of sigma, by intensity of the clean volume. The Rician floor lifts the noisy "
    "image above zero at the left; a method that ignores it stays there."
)
RESIDUAL_CAPTION = (
    "Autocorrelation of the residual (noisy − denoised) inside the foreground, by lag in voxels. The added noise is "
    "white: zero at every lag. Values above zero are anatomy or bias removed with the noise."
)
DPI = 120

# Okabe and Ito's colours, safe for colour-blind readers, without yellow and black; markers distinguish the rest.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "*", "d", "h", "o", "8")
_LEGEND_COLUMNS = 4
_LEGEND_LINE = 0.2  # inches


def curves_figure(volume: VolumeResults) -> Figure:
    """One line for each method that was measured, and a dotted one for each published method."""
    figure, axes = _line_figure(2, height=4.8)
    for axis, column, label in zip(axes, ("psnr", "ssim_3d"), ("PSNR in dB", "SSIM in 3-D"), strict=True):
        for method in volume.measured_methods:
            _draw_scores(axis, volume, method, column)
        _draw_published(axis, volume, column)
        axis.set_xlabel("noise level in % of the maximum")
        axis.set_ylabel(label)
        axis.set_xticks(volume.levels, [f"{level:g}" for level in volume.levels])
    _legend_below(figure, axes[0])
    return figure


def bias_figure(volume: VolumeResults) -> Figure:
    """One line for each method over the intensity bands, at the typical level."""
    ticks = {column: f"{low:g}–{high:g}" for column, (low, high) in BIAS_COLUMNS.items()}
    labels = "true intensity, fraction of the maximum", f"bias at {volume.typical_level:g} % in units of sigma"
    return _profile_figure(volume, ticks, *labels)


def residual_figure(volume: VolumeResults) -> Figure:
    """One line for each method over lags of 1 to 4 voxels, at the typical level."""
    ticks = {column: str(lag) for column, lag in LAG_COLUMNS.items()}
    label = f"autocorrelation of the residual at {volume.typical_level:g} %"
    return _profile_figure(volume, ticks, "lag in voxels", label)


def _profile_figure(volume: VolumeResults, ticks: Mapping[str, str], x_label: str, y_label: str) -> Figure:
    """Some columns of the results at the typical level, side by side."""
    figure, [axis] = _line_figure(1, height=4.2)
    axis.axhline(0, color="black", linewidth=0.8)
    places = range(1, len(ticks) + 1)
    for method in volume.measured_methods:
        scores = [volume.score(method, volume.typical_level, column) for column in ticks]
        if any(score.seeds for score in scores):
            values = [score.mean for score in scores]
            axis.plot(places, values, label=volume.method_title(method), **_line_style(volume, method))
    axis.set_xticks(list(places), list(ticks.values()))
    axis.set_xlabel(x_label)
    axis.set_ylabel(y_label)
    _legend_below(figure, axis)
    return figure


def _draw_scores(axis: Axes, volume: VolumeResults, method: str, column: str) -> None:
    scores = volume.scores(method, column)
    label = volume.method_title(method) + ("" if volume.is_comparable(method) else ", other slices")
    style = _line_style(volume, method)
    axis.plot(volume.levels, [score.mean for score in scores], label=label, **style)
    several = [(level, *score) for level, score in zip(volume.levels, scores, strict=True) if score.seeds > 1]
    if several:
        levels, means, deviations, _ = zip(*several, strict=True)
        axis.errorbar(levels, means, yerr=deviations, fmt="none", ecolor=style["color"], capsize=2)


def _draw_published(axis: Axes, volume: VolumeResults, column: str) -> None:
    """The published scores at those levels that are within ours."""
    published = published_scores(volume.name)
    for method in dict.fromkeys(method for method, _ in published):
        levels = [level for name, level in published if name == method]
        levels = [level for level in levels if volume.levels[0] <= level <= volume.levels[-1]]
        scores = [published[method, level] for level in levels]
        style: dict[str, Any] = {"color": "#444444", "marker": "o", "markersize": 5}
        if method in volume.entries or method in volume.methods:
            style = _line_style(volume, method)
        style |= {"linestyle": ":", "linewidth": 1.2, "markerfacecolor": "white"}
        values = [score.psnr if column == "psnr" else score.ssim for score in scores]
        axis.plot(levels, values, label=published_title(volume, method), **style)


def _line_style(volume: VolumeResults, method: str) -> dict[str, Any]:
    """Colour, marker and dashes of a method, the same in all figures of a volume; dashed if it is given sigma."""
    number = [*volume.entries, *volume.methods].index(method)
    style: dict[str, Any] = {
        "color": _COLOURS[number % len(_COLOURS)],
        "marker": _MARKERS[number % len(_MARKERS)],
        "linestyle": "--" if volume.is_given_sigma(method) else "-",
        "linewidth": 1.4,
        "markersize": 5,
    }
    if method == "ours":
        style |= {"color": "black", "linewidth": 2.8, "markersize": 6, "zorder": 5}
    if method == "noisy":
        style |= {"color": "#888888"}
    return style


def _line_figure(panels: int, height: float) -> tuple[Figure, list[Axes]]:
    """Panels side by side with light grids, 11.6 inches wide."""
    figure = Figure(figsize=(11.6, height), dpi=DPI, layout="constrained")
    axes = list(figure.subplots(1, panels, squeeze=False)[0])
    for axis in axes:
        axis.grid(color="#dddddd", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend_below(figure: Figure, axis: Axes) -> None:
    """A legend of one panel below all panels; the figure grows by its height."""
    handles, labels = axis.get_legend_handles_labels()
    if handles:
        lines = -(-len(handles) // _LEGEND_COLUMNS)
        figure.set_figheight(figure.get_figheight() + _LEGEND_LINE * lines + 0.2)
        figure.legend(handles, labels, loc="outside lower center", ncols=_LEGEND_COLUMNS, frameon=False, fontsize=9)
