"""The method in one picture: how a scan is denoised, and how that is learned without pairs."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from monai.transforms import LoadImage

from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser

SCAN, CLEAN, NOISY = 60, 6, 0  # subjects: of no training set, of the clean images, of the noisy images
SPACING = 2  # mm
LEVEL = 0.12  # in the units of `_slab`
SLICES = 16  # that are denoised, for the one that is shown

_WIDTH, _HEIGHT = 7.5, 8.6  # inches; so are all places
_LEFT, _CLEAN, _NOISY, _IMAGE = 1.95, 4.78, 6.6, 1.15
_TITLE, _FONT, _HEADING = 12, 11, 14
_GREYS = 31  # between black and white: fewer keep the file small
_STEP, _NETWORK, _LINE = "#E3EEF7", "#FCE9CF", "#333333"


def draw_method() -> bytes:
    """An SVG file, the same at every call."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "method", "svg.fonttype": "path"}):
        method_figure(*pictures()).savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def pictures() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Slices ``(X, Y)``: noisy and denoised of a scan; clean, noisy, denoised and another subject's of training."""
    denoiser = Denoiser.from_bundle()
    items = phantom_datalist(None, [SCAN, CLEAN, NOISY], contrasts=["T1w"], spacing=SPACING)
    scan, clean, other = (_slab(item["image"]) for item in items)

    def noisy_and_denoised(image: torch.Tensor) -> list[np.ndarray]:
        noisy = add_rician_noise(image, LEVEL, generator=torch.Generator().manual_seed(0))
        return [noisy.numpy(), denoiser.denoise_image(denoiser.wrap(noisy)).denoised]

    of_scan = dict(zip(("noisy", "denoised"), noisy_and_denoised(scan), strict=True))
    in_training = [clean.numpy(), *noisy_and_denoised(clean), noisy_and_denoised(other)[0]]
    of_training = dict(zip(("clean", "noisy", "denoised", "other"), in_training, strict=True))
    middle = (..., SLICES // 2)
    return {k: v[middle] for k, v in of_scan.items()}, {k: v[middle] for k, v in of_training.items()}


def method_figure(scan: dict[str, np.ndarray], training: dict[str, np.ndarray]) -> Figure:
    """The two halves side by side, of what `pictures` returns."""
    figure = Figure(figsize=(_WIDTH, _HEIGHT))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, _WIDTH), ylim=(0, _HEIGHT))
    axis.set_axis_off()
    _denoising(axis, scan)
    axis.plot([3.68, 3.68], [0.25, _HEIGHT - 0.25], color="#bbbbbb", linewidth=1)
    _training(axis, training)
    return figure


def _denoising(axis: Axes, scan: dict[str, np.ndarray]) -> None:
    axis.text(0.3, 8.2, "Denoise a scan", fontsize=_HEADING, fontweight="bold")
    _image(axis, _LEFT, 7.35, scan["noisy"])
    axis.text(_LEFT + 0.7, 7.35, "noisy scan", fontsize=_FONT, va="center")
    _box(axis, _LEFT, 6.05, 3.0, 0.8, "Noise encoder", ("reads the level, as a number", "or a map; correlation; coils"))
    _box(axis, _LEFT, 4.97, 3.0, 0.64, "Scale voxel by voxel", ("so that the noise has a fixed level",))
    for x, kind in ((_LEFT - 0.77, "for white noise"), (_LEFT + 0.77, "for other noise")):
        _box(axis, x, 3.86, 1.46, 0.64, "3-D network", (kind,), colour=_NETWORK)
    axis.text(_LEFT + 0.12, 4.41, "one of two, in tiles", fontsize=_FONT, va="center", style="italic")
    _box(axis, _LEFT, 2.95, 3.0, 0.42, "Scale back")
    _box(
        axis,
        _LEFT,
        1.95,
        3.0,
        0.8,
        "Refinement",
        ("non-local Bayes on the noisy scan,", "guided by the network's output"),
    )
    _image(axis, _LEFT, 0.75, scan["denoised"])
    axis.text(_LEFT + 0.7, 0.75, "denoised", fontsize=_FONT, va="center")
    for start, end in ((6.77, 6.45), (5.65, 5.29), (4.65, 4.18), (3.54, 3.16), (2.74, 2.35), (1.55, 1.33)):
        _arrow(axis, (_LEFT, start), (_LEFT, end))
    _elbow(axis, [(_LEFT, 7.35), (0.22, 7.35), (0.22, 1.95), (_LEFT - 1.5, 1.95)])


def _training(axis: Axes, training: dict[str, np.ndarray]) -> None:
    axis.text(4.03, 8.2, "Train without pairs", fontsize=_HEADING, fontweight="bold")
    _image(axis, _CLEAN, 7.35, training["clean"])
    _image(axis, _NOISY, 7.35, training["other"])
    axis.text(_CLEAN, 6.55, "clean image\nof one subject", fontsize=_FONT, ha="center", va="center")
    axis.text(_NOISY, 6.55, "noisy image\nof another", fontsize=_FONT, ha="center", va="center")
    _box(axis, _CLEAN, 5.5, 1.5, 0.8, "Add noise", ("Rician, of a", "learned level"))
    _box(axis, _NOISY, 5.5, 1.5, 0.8, "Noise encoder", ("learns to read", "the noise level"))
    _image(axis, _CLEAN, 4.15, training["noisy"])
    axis.text(_CLEAN + 0.65, 4.02, "noisy: its level and\nits clean image\nare known", fontsize=_FONT, va="center")
    _box(axis, _CLEAN, 3.0, 1.5, 0.42, "3-D network", colour=_NETWORK)
    _image(axis, _CLEAN, 1.87, training["denoised"])
    axis.text(_CLEAN + 0.65, 1.87, "denoised", fontsize=_FONT, va="center")
    _box(axis, 5.69, 0.65, 3.32, 0.64, "Compare", ("denoised and clean image",))
    for x, start, end in (
        (_CLEAN, 6.3, 5.9),
        (_NOISY, 6.3, 5.9),
        (_CLEAN, 5.1, 4.73),
        (_CLEAN, 3.57, 3.21),
        (_CLEAN, 2.79, 2.45),
        (_CLEAN, 1.29, 0.97),
    ):
        _arrow(axis, (x, start), (x, end))
    _arrow(axis, (_NOISY - 0.75, 5.5), (_CLEAN + 0.75, 5.5))
    _elbow(axis, [(_CLEAN, 7.35), (3.84, 7.35), (3.84, 0.65), (4.03, 0.65)])
    _elbow(axis, [(_CLEAN, 4.5), (_NOISY, 4.5), (_NOISY, 5.1)])


def _slab(path: str) -> torch.Tensor:
    """The middle slices of a scan, ``(X, Y, SLICES)``; nine tenths of the head are darker than 1."""
    scan = torch.as_tensor(LoadImage(image_only=True)(path)).float()
    first = (scan.shape[-1] - SLICES) // 2
    return scan[..., first : first + SLICES] / np.percentile(scan[scan > 0], 90)


def _image(axis: Axes, x: float, y: float, image: np.ndarray) -> None:
    """A slice around a place, in front of the lines that start there."""
    half = _IMAGE / 2
    side = half * image.shape[0] / image.shape[1]
    greys = (np.rot90(image) * _GREYS).round() / _GREYS
    extent = (x - side, x + side, y - half, y + half)
    shown = axis.imshow(greys, cmap="gray", vmin=0, vmax=1.2, extent=extent, aspect="auto", interpolation="none")
    shown.set_zorder(3)
    axis.set(xlim=(0, _WIDTH), ylim=(0, _HEIGHT))


def _box(
    axis: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    title: str,
    lines: Sequence[str] = (),
    *,
    colour: str = _STEP,
) -> None:
    """A step of the method, its centre at a place: a title in bold over lines."""
    corner, style = (x - width / 2, y - height / 2), "round,pad=0,rounding_size=0.08"
    axis.add_patch(FancyBboxPatch(corner, width, height, boxstyle=style, facecolor=colour, edgecolor=_LINE))
    spacing = 0.2
    top = y + spacing * len(lines) / 2
    axis.text(x, top, title, fontsize=_TITLE, fontweight="bold", ha="center", va="center")
    for i, line in enumerate(lines, start=1):
        axis.text(x, top - spacing * i, line, fontsize=_FONT, ha="center", va="center")


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axis.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": _LINE, "shrinkA": 0, "shrinkB": 0})


def _elbow(axis: Axes, corners: Sequence[tuple[float, float]]) -> None:
    """An arrow with corners."""
    *rest, last = corners
    axis.plot(*zip(*rest, strict=True), color=_LINE, linewidth=1, solid_joinstyle="miter")
    _arrow(axis, rest[-1], last)
