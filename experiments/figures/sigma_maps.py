"""True and estimated maps of a noise level that varies smoothly over the scan, and their ratio."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from scipy import ndimage

from experiments.figures.phantom import phantom
from monai_unsup_denoise.benchmark.report.figures import ReportFigure
from monai_unsup_denoise.benchmark.scores import foreground
from monai_unsup_denoise.functional import (
    SCANNER_KINDS,
    KSpaceWindow,
    NoiseGain,
    ScannerNoise,
    add_scanner_noise,
    noise_truth,
)
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings

LEVEL = 0.1  # of the maximum, root mean square over the scan
SLICES = "16"  # the middle ones
_FILLED = KSpaceWindow(0.75)
_ACROSS = NoiseGain((2, 2, 2), (0.0,) * 4 + (math.log(3),) * 4)  # rises threefold along the first axis
KINDS = {
    "highest in\nthe middle": SCANNER_KINDS["g_map"],
    "threefold from\nleft to right": ScannerNoise((_FILLED, _FILLED, KSpaceWindow()), gain=_ACROSS),
}
_RATIOS = (0.8, 1, 1.25)
_FONT = 12
# Steps of colour can be counted, and keep the file small. Both are safe for colour-blind readers.
_SIGMA, _RATIO = colormaps["viridis"].resampled(36), colormaps["PuOr"].resampled(19)


@dataclass(frozen=True)
class Maps:
    """Of one scan, arrays ``(X, Y, Z)``.

    Attributes:
        title: of the kind of noise.
        truth, estimate: sigma of one channel, in percent of the clean maximum.
        tissue: where the clean scan has signal.
    """

    title: str
    truth: np.ndarray
    estimate: np.ndarray
    tissue: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Estimated over true sigma."""
        return self.estimate / self.truth

    def range_in_tissue(self) -> tuple[float, float]:
        """5th and 95th percentile of the ratio in tissue."""
        low, high = np.percentile(self.ratio[self.tissue], [5, 95])
        return float(low), float(high)


def draw_sigma_maps() -> bytes:
    """A PNG file."""
    return ReportFigure("sigma_maps", "", "", sigma_maps_figure(list(measured_maps()))).png()


def measured_maps() -> Iterator[Maps]:
    """The maps of the bundled model for each of `KINDS`; it decides itself that the level varies."""
    denoiser, volume = Denoiser.from_bundle(), phantom(SLICES)
    clean = torch.from_numpy(volume.clean)
    part = slice(volume.first, volume.last + 1)
    for title, scanner in KINDS.items():
        generator = torch.Generator().manual_seed(0)
        noisy = add_scanner_noise(clean, LEVEL, scanner=scanner, generator=generator)[..., part]
        truth = noise_truth(clean, LEVEL, scanner=scanner).sigma[..., part].numpy()
        result = denoiser.denoise_image(denoiser.wrap(noisy), DenoiseSettings(refine=False, maps=("sigma",)))
        tissue = foreground(volume.clean[..., part])
        yield Maps(title, 100 * truth, 100 * result.maps["sigma"], tissue)


def sigma_maps_figure(found: Sequence[Maps]) -> Figure:
    """A line for each kind: the middle slice of truth and estimate on one scale, and of the ratio.

    Below the ratio stands its range in tissue of all slices.
    """
    figure = Figure(figsize=(6.4, 5.3), dpi=120, layout="constrained")
    axes = figure.subplots(len(found), 3, squeeze=False)
    top = max(float(maps.truth.max()) for maps in found)
    for line, maps in zip(axes, found, strict=True):
        middle = maps.truth.shape[2] // 2
        for axis, volume in zip(line, (maps.truth, maps.estimate), strict=False):
            sigma = axis.imshow(np.rot90(volume[..., middle]), interpolation="nearest", cmap=_SIGMA, vmin=0, vmax=top)
        norm = LogNorm(_RATIOS[0], _RATIOS[-1])
        ratio = line[2].imshow(np.rot90(maps.ratio[..., middle]), interpolation="nearest", cmap=_RATIO, norm=norm)
        for axis in line:
            _outline(axis, maps.tissue[..., middle])
        line[0].set_ylabel(maps.title, fontsize=_FONT)
        line[2].set_xlabel("{:.2f} to {:.2f}".format(*maps.range_in_tissue()), fontsize=_FONT)
    for axis, title in zip(axes[0], ("true", "estimated", "estimated / true"), strict=True):
        axis.set_title(title, fontsize=_FONT)
    bar = figure.colorbar(sigma, ax=axes[:, :2], location="bottom", shrink=0.8)
    bar.set_label("sigma in % of the maximum", fontsize=_FONT)
    bar.ax.tick_params(labelsize=_FONT)
    bar = figure.colorbar(ratio, ax=axes[:, 2], location="bottom", extend="both", shrink=0.95)
    bar.set_ticks(list(_RATIOS), labels=[f"{tick:g}" for tick in _RATIOS], minor=False)
    bar.set_label("estimated / true", fontsize=_FONT)
    bar.ax.minorticks_off()
    bar.ax.tick_params(labelsize=_FONT)
    return figure


def _outline(axis: Axes, tissue: np.ndarray) -> None:
    """The border of the head, and no ticks."""
    head = ndimage.binary_opening(ndimage.binary_fill_holes(np.pad(tissue, ((0, 0), (1, 0)), constant_values=True)))
    axis.contour(np.rot90(head[:, 1:]), levels=[0.5], colors="black", linewidths=1.2)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
