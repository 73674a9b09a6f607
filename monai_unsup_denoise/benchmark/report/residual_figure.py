"""Whether what a method removed is white, as the noise is."""

from __future__ import annotations

from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.plot_style import legend_below, line_figure, line_style
from monai_unsup_denoise.benchmark.report.volume_results import LAGS, VolumeResults

CAPTION = (
    "Autocorrelation of the residual (noisy − denoised) inside the foreground, by distance in voxels. The noise that "
    "was added is white: zero at every distance. What lies above zero is anatomy or bias taken away with the noise."
)


def residual_figure(volume: VolumeResults) -> Figure:
    """A line for each method with figures at the typical level, over lags of 1 to 4 voxels."""
    figure, [axis] = line_figure(1)
    axis.axhline(0, color="black", linewidth=0.8)
    for method in volume.measured_methods:
        scores = [volume.score(method, volume.median_tissue_sigma, column) for column in LAGS]
        if any(score.seeds for score in scores):
            values = [score.mean for score in scores]
            axis.plot(list(LAGS.values()), values, label=volume.method_title(method), **line_style(volume, method))
    axis.set_xticks(list(LAGS.values()))
    axis.set_xlabel("lag in voxels")
    axis.set_ylabel(f"autocorrelation of the residual at {volume.median_tissue_sigma:g} %")
    legend_below(figure, axis)
    return figure
