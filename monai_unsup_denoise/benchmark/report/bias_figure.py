"""What each method adds to or takes from the signal, by its strength."""

from __future__ import annotations

from matplotlib.figure import Figure

from monai_unsup_denoise.benchmark.report.plot_style import legend_below, line_figure, line_style
from monai_unsup_denoise.benchmark.report.volume_results import BANDS, VolumeResults

CAPTION = (
    "Mean of denoised − clean in units of sigma, by the strength of the true signal. The floor of Rician noise shows "
    "at the left: the noisy image lies above zero there, and a method that ignores the floor stays there."
)


def bias_figure(volume: VolumeResults) -> Figure:
    """A line for each method with figures at the typical level, over the intensity bands."""
    figure, [axis] = line_figure(1)
    places = range(len(BANDS))
    axis.axhline(0, color="black", linewidth=0.8)
    for method in volume.measured_methods:
        scores = [volume.score(method, volume.median_tissue_sigma, column) for column in BANDS]
        if any(score.seeds for score in scores):
            values = [score.mean for score in scores]
            axis.plot(places, values, label=volume.method_title(method), **line_style(volume, method))
    axis.set_xticks(list(places), [f"{low:g}–{high:g}" for low, high in BANDS.values()])
    axis.set_xlabel("true signal, part of the maximum")
    axis.set_ylabel(f"bias at {volume.median_tissue_sigma:g} % in units of sigma")
    legend_below(figure, axis)
    return figure
