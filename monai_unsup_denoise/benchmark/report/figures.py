"""All figures of a volume, and the files they are written to."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from monai_unsup_denoise.benchmark.report import comparison_figure, line_figures
from monai_unsup_denoise.benchmark.report.comparison_figure import FindImages
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults


@dataclass(frozen=True)
class ReportFigure:
    """A figure, the name of its file without suffix, and its texts."""

    name: str
    title: str
    caption: str
    figure: Figure

    def png(self) -> bytes:
        """The content of a PNG file, greyscale if the figure has no colour, which halves its size."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        if (pixels == pixels[..., :1]).all():
            pixels = pixels[..., 0]
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="png", optimize=True)
        return buffer.getvalue()


def volume_figures(volume: VolumeResults, find_images: FindImages) -> Iterator[ReportFigure]:
    """All figures of a volume, each drawn when it is asked for; none for a volume without results."""
    if not volume.measured_methods:
        return
    name, level = quote(volume.name, safe=""), f"{volume.typical_level:g} %"
    curves = line_figures.curves_figure(volume)
    yield ReportFigure(f"{name}_curves", "PSNR and SSIM by noise level", line_figures.CURVES_CAPTION, curves)
    for one in volume.levels:
        if figure := comparison_figure.comparison_of_level(volume, one, find_images):
            title = f"One slice with {one:g} % noise"
            yield ReportFigure(f"{name}_strip_{one:g}", title, comparison_figure.CAPTION, figure)
    bias = line_figures.bias_figure(volume)
    yield ReportFigure(f"{name}_bias", f"Bias by intensity at {level}", line_figures.BIAS_CAPTION, bias)
    residual, title = line_figures.residual_figure(volume), f"Autocorrelation of the residual at {level}"
    yield ReportFigure(f"{name}_residual", title, line_figures.RESIDUAL_CAPTION, residual)
