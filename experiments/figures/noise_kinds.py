"""Every kind of noise on one slice of a phantom: noisy, denoised, and what was removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.phantom import phantom
from monai_unsup_denoise.benchmark.noise_kinds import KindCase
from monai_unsup_denoise.benchmark.report.figures import ReportFigure
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.inference import Denoiser

#: All of `SCANNER_KINDS` but the combination of several.
KINDS = {
    "white": "White",
    "zero_filled": "Zero-filled to a finer matrix",
    "zero_filled_twice": "Zero-filled to twice the matrix",
    "tapered": "k-space tapered by Tukey's window",
    "filtered": "k-space filtered by Hann's window",
    "partial_fourier": "Partial Fourier",
    "sum_of_squares": "Eight coils, sum of squares",
    "g_map": "Parallel imaging, most in the middle",
    "rotated": "Image rotated after the scan",
}
LEVEL, SEED, SLICES = 10, 0, "31-41"  # as in noise_kinds.csv: the scores are those of its table
COLUMNS = ("noisy", "denoised", "noisy − denoised")
_WINDOW = slice(12, 108), slice(85, 157)  # of the slice: a ventricle, cortex, skull, scalp and air
_WHITE = 1.1  # of the clean maximum
_RANGE = 4.0  # of the residual, in sigma
_ZOOM, _GAP, _MARGIN, _LINE = 2, 8, 12, 38  # pixels
_GREYS = 31  # between black and white: fewer keep the file small
_DPI, _FONT = 100, 14


@dataclass(frozen=True)
class Row:
    """One kind.

    Attributes:
        title: in plain words, with the scores.
        images: noisy, denoised and residual ``(X, Y)``, from 0 (black) to 1 (white).
    """

    title: str
    images: Sequence[np.ndarray]


def draw_noise_kinds() -> bytes:
    """A PNG file."""
    return ReportFigure("noise_kinds", "", "", noise_kinds_figure(list(rows(KINDS)))).png()


def rows(kinds: Mapping[str, str]) -> Iterator[Row]:
    """Denoise the phantom with each kind of noise; ``kinds`` are titles by names of `SCANNER_KINDS`."""
    denoiser, volume = Denoiser.from_bundle(), phantom(SLICES)
    for kind, title in kinds.items():
        case = KindCase(volume, LEVEL, SEED, kind)
        noisy, clean = case.noisy, case.clean
        denoised = denoiser.denoise_image(denoiser.wrap(noisy)).denoised
        middle = (*_WINDOW, clean.shape[2] // 2)
        residual = (noisy - denoised)[middle] / case.sigma
        images = (noisy[middle] / _WHITE, denoised[middle] / _WHITE, residual / (2 * _RANGE) + 0.5)
        yield Row(f"{title}: {psnr(noisy, clean):.1f} → {psnr(denoised, clean):.1f} dB", images)


def noise_kinds_figure(found: Sequence[Row]) -> Figure:
    """A line for each row, below its title; every voxel is a square of whole pixels, which keeps the file small."""
    width, height = (_ZOOM * side for side in found[0].images[0].shape)
    total_width = len(COLUMNS) * (width + _GAP) - _GAP + 2 * _MARGIN
    total_height = _MARGIN + _LINE + len(found) * (height + _LINE)
    figure = Figure(figsize=(total_width / _DPI, total_height / _DPI), dpi=_DPI)

    def text(x: float, y: float, words: str, **style: Any) -> None:
        figure.text(x / total_width, 1 - y / total_height, words, fontsize=_FONT, va="center", **style)

    for i, column in enumerate(COLUMNS):
        text(_MARGIN + i * (width + _GAP) + width / 2, _LINE / 2 + 4, column, ha="center", color="#444444")
    for line, row in enumerate(found):
        top = _LINE + line * (height + _LINE)
        text(_MARGIN, top + _LINE - 13, row.title, ha="left", fontweight="bold")
        for i, image in enumerate(row.images):
            left, bottom = _MARGIN + i * (width + _GAP), total_height - top - _LINE - height
            place = left / total_width, bottom / total_height, width / total_width, height / total_height
            axis = figure.add_axes(place)
            greys = np.rot90(image * _GREYS).round() / _GREYS
            axis.imshow(greys, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
            axis.set_axis_off()
    return figure
