"""PSNR and SSIM against the noise level."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.plot_style import legend_below, line_figure, line_style
from monai_unsup_denoise.benchmark.report.published import published_scores
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

CAPTION = (
    "PSNR (left) and 3-D SSIM (right) over the whole volume against the noise level. Dashed: told the noise level. "
    "Dotted with open markers: the paper's figures, by a convention it does not state."
)


def curves_figure(volume: VolumeResults) -> Figure:
    """A line for each method with figures, and a dotted one for each published method."""
    figure, axes = line_figure(2, height=4.8)
    for axis, column, label in zip(axes, ("psnr", "ssim_3d"), ("PSNR in dB", "SSIM in 3-D"), strict=True):
        for method in volume.measured_methods:
            _draw(axis, volume, method, column)
        _draw_published(axis, volume, column)
        axis.set_xlabel("noise level in % of the maximum")
        axis.set_ylabel(label)
        axis.set_xticks(volume.levels, [f"{level:g}" for level in volume.levels])
    legend_below(figure, axes[0])
    return figure


def _draw(axis: Axes, volume: VolumeResults, method: str, column: str) -> None:
    scores = volume.scores(method, column)
    label = volume.method_title(method)
    if not volume.is_comparable(method):
        label += ", other slices"
    means = [score.mean for score in scores]
    axis.plot(volume.levels, means, label=label, **line_style(volume, method))
    several = [(level, score) for level, score in zip(volume.levels, scores, strict=True) if score.seeds > 1]
    if several:
        axis.errorbar(
            [level for level, _ in several],
            [score.mean for _, score in several],
            yerr=[score.deviation for _, score in several],
            fmt="none",
            ecolor=line_style(volume, method)["color"],
            capsize=2,
        )


def _draw_published(axis: Axes, volume: VolumeResults, column: str) -> None:
    """The paper's figures at those of its levels that lie within ours."""
    published = published_scores(volume.name)
    for method in dict.fromkeys(method for method, _ in published):
        levels = [level for name, level in published if name == method]
        levels = [level for level in levels if volume.levels[0] <= level <= volume.levels[-1]]
        scores = [published[method, level] for level in levels]
        values = [score.psnr if column == "psnr" else score.ssim for score in scores]
        style = _published_style(volume, method)
        label = f"{volume.titles.get(method, method)}, published"
        axis.plot(levels, values, label=label, **style)


def _published_style(volume: VolumeResults, method: str) -> dict[str, Any]:
    style: dict[str, Any] = {"color": "#444444", "marker": "o", "markersize": 5}
    if method in volume.titles or method in volume.methods:
        style = line_style(volume, method)
    return style | {"linestyle": ":", "linewidth": 1.2, "markerfacecolor": "white"}
