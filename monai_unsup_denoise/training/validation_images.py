"""Images of a validation to look at: noisy, denoised, residual, clean."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events
from matplotlib.figure import Figure

from monai_unsup_denoise.files import atomic_write


def comparison_figure(rows: Sequence[Mapping[str, np.ndarray]], titles: Sequence[str]) -> Figure:
    """Panels ``noisy``, ``denoised``, ``residual`` (noisy - denoised), ``clean`` if known; a line for each of ``rows``.

    Images are 2-D and in the same units; the grey scale is that of the clean image, or of the denoised one.
    """
    names = [name for name in ("noisy", "denoised", "residual", "clean") if name in rows[0]]
    figure = Figure(figsize=(3.2 * len(names), 3.4 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(names), squeeze=False)
    for line, row, title in zip(axes, rows, titles, strict=True):
        top = float(np.percentile(row.get("clean", row["denoised"]), 99.8)) or 1.0
        for axis, name in zip(line, names, strict=True):
            low, high = (-top / 2, top / 2) if name == "residual" else (0.0, top)
            axis.imshow(np.rot90(row[name]), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            axis.set_title(f"{name}, {title}" if axis is line[0] else name, fontsize=9)
            axis.set_axis_off()
    return figure


class ValidationImages:
    """After each validation, one figure: the middle slice of the first volume at each noise level.

    It is ``folder/epoch_001.png`` and so on. Decollated items of ``engine.state.batch`` have their noise level, in
    percent, under ``level``.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.rows: dict[float, dict[str, np.ndarray]] = {}

    def attach(self, engine: Engine) -> None:
        engine.add_event_handler(Events.STARTED, lambda: self.rows.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def collect(self, engine: Engine) -> None:
        """Keep the middle slices of levels that are new in this validation."""
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            level = float(item["level"])
            if level not in self.rows:
                volumes = (output[key][0].detach().cpu().numpy() for key in ("image", "pred", "label"))
                noisy, pred, clean = (volume[..., volume.shape[-1] // 2].astype(np.float32) for volume in volumes)
                self.rows[level] = {"noisy": noisy, "denoised": pred, "residual": noisy - pred, "clean": clean}

    def draw(self, engine: Engine) -> None:
        """Write the figure of this epoch."""
        levels = sorted(self.rows)
        figure = comparison_figure([self.rows[level] for level in levels], [f"{level:g} %" for level in levels])
        with atomic_write(self.folder / f"epoch_{engine.state.epoch:03d}.png") as partial:
            figure.savefig(partial, dpi=80)
