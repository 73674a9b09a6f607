"""Every figure of a report, one after the other, under the name of its file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from monai_unsup_denoise.benchmark.report import bias_figure, curves_figure, residual_figure, strip_figure
from monai_unsup_denoise.benchmark.report.strips import FindPicture, strip_of_level
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults


class Kind(Enum):
    """Where on the page a figure stands."""

    CURVES = "curves"
    STRIP = "strip"
    GRAPH = "graph"


@dataclass(frozen=True)
class Drawing:
    """A figure and what is said of it.

    Args:
        volume: its name in the results.
        name: of the file, without its ending.
        open: whether the reader sees it at once.
    """

    volume: str
    kind: Kind
    name: str
    title: str
    caption: str
    alt: str
    figure: Figure
    open: bool = True

    def png(self) -> bytes:
        """The figure as the content of a PNG file; one in greys alone takes half the room."""
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
        if (pixels == pixels[..., :1]).all():
            pixels = pixels[..., 0]
        buffer = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="png", optimize=True)
        return buffer.getvalue()


def drawings(volume: VolumeResults, find_picture: FindPicture) -> Iterator[Drawing]:
    """All figures of a volume, each drawn when it is asked for; nothing for a volume without figures."""
    if not volume.measured_methods:
        return
    name, title = quote(volume.name, safe=""), volume.title
    names = ", ".join(volume.method_title(method) for method in volume.measured_methods)
    yield Drawing(
        volume.name,
        Kind.CURVES,
        f"{name}_curves",
        "PSNR and SSIM against the noise level",
        curves_figure.CAPTION,
        f"Line plots of PSNR and SSIM against the noise level on {title} for {names}",
        curves_figure.curves_figure(volume),
    )
    for level in volume.levels:
        strip = strip_of_level(volume, level, find_picture)
        if strip:
            yield Drawing(
                volume.name,
                Kind.STRIP,
                f"{name}_strip_{level:g}",
                f"{level:g} % noise",
                strip_figure.CAPTION,
                f"{title} with {level:g} % noise, denoised by each method: a slice, a zoom and the residuals",
                strip,
                open=level == volume.median_tissue_sigma,
            )
    yield Drawing(
        volume.name,
        Kind.GRAPH,
        f"{name}_bias",
        f"Bias by intensity at {volume.median_tissue_sigma:g} %",
        bias_figure.CAPTION,
        f"Line plot of the bias by intensity on {title} for {names}",
        bias_figure.bias_figure(volume),
    )
    yield Drawing(
        volume.name,
        Kind.GRAPH,
        f"{name}_residual",
        f"Autocorrelation of the residual at {volume.median_tissue_sigma:g} %",
        residual_figure.CAPTION,
        f"Line plot of the autocorrelation of the residual on {title} for {names}",
        residual_figure.residual_figure(volume),
    )
