"""One slice denoised by several methods: the slice, a zoom, and the residual."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from scipy import ndimage

from monai_unsup_denoise.benchmark.report.line_figures import DPI
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

CAPTION = (
    "Middle slice, PSNR of the whole volume above it. Second row: the square drawn in the clean slice. Third row: the "
    "residual noisy − denoised in units of sigma, on one scale; below the clean slice the noise itself, the ideal "
    "residual. Edges in a residual are anatomy that was removed."
)
#: ``(volume, level, seed, method)`` to the 2-D images "noisy", "denoised" and "clean" of one slice, or None.
FindImages = Callable[[str, float, int, str], "dict[str, np.ndarray] | None"]

#: From left to right; the first method of each place that has images is shown.
PLACES = (("adf_unbiased", "adf"), ("cyclegan",), ("paper",), ("ours",), ("bm4d_vst",))
_WIDTH = 11.4  # inches, of all panels
_WIDEST_PANEL = 2.6
_RESIDUAL_RANGE = 3.0  # sigma
_FOREGROUND = 10 / 255
_MARGIN = 4  # voxels around the head


def comparison_of_level(
    volume: VolumeResults, level: float, find_images: FindImages, *, places: Sequence[Sequence[str]] = PLACES
) -> Figure | None:
    """The methods with images at a level, for the first seed that has any; None if there are none."""
    for seed in volume.seeds:
        candidates = [
            [(method, images) for method in place if (images := find_images(volume.name, level, seed, method))]
            for place in places
        ]
        if found := dict(place[0] for place in candidates if place):
            # The middle is another slice where other slices were measured: keep those that most show.
            slices = {method: images["clean"].tobytes() for method, images in found.items()}
            usual = Counter(slices.values()).most_common(1)[0][0]
            found = {method: images for method, images in found.items() if slices[method] == usual}
            first = next(iter(found.values()))
            titles = {name: _title(volume, level, name) for name in ("noisy", *found)} | {"clean": "Clean\n"}
            denoised = {method: images["denoised"] for method, images in found.items()}
            return comparison_figure(first["noisy"], denoised, first["clean"], sigma=level / 100, titles=titles)
    return None


def comparison_figure(
    noisy: np.ndarray, denoised: Mapping[str, np.ndarray], clean: np.ndarray, *, sigma: float, titles: Mapping[str, str]
) -> Figure:
    """Columns: noisy, the methods in their order, clean. Rows: slice, zoom, residual.

    Args:
        noisy: the slice, ``(X, Y)``, clean maximum 1.
        denoised: the same slice by method.
        clean: the noise-free slice.
        sigma: of the noise, in the units of the images.
        titles: above the columns, for "noisy", "clean" and the methods.
    """
    images = {"noisy": noisy, **denoised, "clean": clean}
    window = _head(clean)
    images = {name: np.asarray(image, dtype=np.float32)[window] for name, image in images.items()}
    zoom = busiest_square(images["clean"])
    aspect = images["clean"].shape[1] / images["clean"].shape[0]
    figure, axes = _panels(len(images), aspect)
    top = float(np.percentile(images["clean"], 99.8)) or 1.0
    for column, (name, image) in zip(axes.T, images.items(), strict=True):
        column[0].set_title(titles[name], fontsize=10)
        _show(column[0], image, 0, top)
        _show(column[1], image[zoom], 0, top, interpolation="nearest")
        if name != "noisy":
            residual = _show(column[2], (images["noisy"] - image) / sigma, -_RESIDUAL_RANGE, _RESIDUAL_RANGE)
    _mark(axes[0, -1], zoom)
    for axis, label in zip(axes[:, 0], ("slice", "zoom", "residual"), strict=True):
        axis.set_ylabel(label, fontsize=10)
    _scale(figure, axes[2, 0], residual)
    return figure


def busiest_square(clean: np.ndarray) -> tuple[slice, slice]:
    """The square with the most edges, a third of the shorter side, at least a sixth of the image from its border.

    Edges count by their gradient up to its 90th percentile: many fine edges weigh more than a strong one, and folds of
    the brain more than the rim of the head.

    Args:
        clean: ``(X, Y)``, a head that fills the image, maximum 1.
    """
    side = max(min(clean.shape) // 3, 1)
    gradient = ndimage.gaussian_gradient_magnitude(clean.astype(np.float32), 1.0)
    foreground = clean > _FOREGROUND
    found = gradient[foreground & (gradient > 0)]
    ceiling = np.percentile(found, 90) if found.size else 0.0
    edges = np.where(foreground, np.minimum(gradient, ceiling), 0)
    sums = np.pad(edges.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    total = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    first_row, first_column = (size // 6 for size in clean.shape)
    total = total[first_row : len(total) - first_row, first_column : total.shape[1] - first_column]
    best_row, best_column = np.unravel_index(int(total.argmax()), total.shape)
    row, column = int(best_row) + first_row, int(best_column) + first_column
    return slice(row, row + side), slice(column, column + side)


def _title(volume: VolumeResults, level: float, method: str) -> str:
    score = volume.score(method, level, "psnr")
    return f"{volume.method_title(method)}\n" + (f"{score.mean:.1f} dB" if score.seeds else "")


def _head(clean: np.ndarray) -> tuple[slice, slice]:
    """The bounding box of the foreground with a margin; the whole slice if there is none."""
    found = ndimage.find_objects((clean > _FOREGROUND).astype(int))
    if not found:
        return slice(None), slice(None)
    rows, columns = (slice(max(part.start - _MARGIN, 0), part.stop + _MARGIN) for part in found[0])
    return rows, columns


def _panels(columns: int, aspect: float) -> tuple[Figure, np.ndarray]:
    """Three rows of axes without ticks; ``aspect`` is the height of a slice over its width."""
    width = min(_WIDTH / columns, _WIDEST_PANEL)
    figure = Figure(figsize=(columns * width + 0.3, width * (2 * aspect + 1) + 0.6), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.04, wspace=0.01, hspace=0.01)  # type: ignore[union-attr, call-arg]
    axes = figure.subplots(3, columns, squeeze=False, height_ratios=[aspect, 1, aspect])
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.spines[:].set_visible(False)
    return figure, axes


def _show(axis: Axes, image: np.ndarray, low: float, high: float, *, interpolation: str = "auto") -> AxesImage:
    return axis.imshow(np.rot90(image), cmap="gray", vmin=low, vmax=high, interpolation=interpolation)


def _mark(axis: Axes, square: tuple[slice, slice]) -> None:
    """Draw the square on a slice that `_show` has rotated."""
    rows, columns = square
    height = axis.images[0].get_array().shape[0]  # type: ignore[union-attr]
    side = rows.stop - rows.start
    corner = (rows.start - 0.5, height - columns.stop - 0.5)
    axis.add_patch(Rectangle(corner, side, side, fill=False, edgecolor="white", linewidth=1.2))


def _scale(figure: Figure, axis: Axes, image: AxesImage) -> None:
    """The grey scale of the residuals, below the noisy image, which has none."""
    inset = axis.inset_axes((0.1, 0.45, 0.8, 0.06))
    bar = figure.colorbar(image, cax=inset, orientation="horizontal", ticks=[-_RESIDUAL_RANGE, 0, _RESIDUAL_RANGE])
    bar.ax.set_title("in units of sigma", fontsize=9)
    bar.ax.tick_params(labelsize=9)
