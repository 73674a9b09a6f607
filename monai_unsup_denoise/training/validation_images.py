"""Pictures that a person looks at: noisy, denoised, residual, clean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from ignite.engine import Engine, Events
from matplotlib.figure import Figure


def comparison_figure(rows: Sequence[Mapping[str, np.ndarray]], titles: Sequence[str]) -> Figure:
    """Panels ``noisy``, ``denoised``, ``residual`` (noisy - denoised), ``clean`` if known; a line for each of ``rows``.

    Args:
        rows: 2-D images, all in the same units; the grey scale is that of the clean image, or of the denoised one.
        titles: one for each row.
    """
    names = [name for name in ("noisy", "denoised", "residual", "clean") if name in rows[0]]
    figure = Figure(figsize=(3.2 * len(names), 3.4 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(names), squeeze=False)
    for line, row, title in zip(axes, rows, titles, strict=True):
        top = float(np.percentile(row.get("clean", row["denoised"]), 99.8)) or 1.0
        for axis, name in zip(line, names, strict=True):
            low = -top / 2 if name == "residual" else 0.0
            high = top / 2 if name == "residual" else top
            axis.imshow(np.rot90(row[name]), cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            axis.set_title(f"{name}, {title}" if axis is line[0] else name, fontsize=9)
            axis.set_axis_off()
    return figure


class ValidationImages:
    """After each validation, one picture of the middle slice of the first volume of every noise level.

    Args:
        folder: where ``epoch_001.png`` and so on go.
        level_key: where a decollated item of ``engine.state.batch`` keeps its noise level in percent.
    """

    def __init__(self, folder: str, *, level_key: str = "level") -> None:
        self.folder = Path(folder)
        self.level_key = level_key
        self.rows: dict[float, dict[str, np.ndarray]] = {}

    def attach(self, engine: Engine) -> None:
        """Collect during the run of the evaluator ``engine``, draw at its end."""
        engine.add_event_handler(Events.STARTED, self.forget)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.collect)
        engine.add_event_handler(Events.COMPLETED, self.draw)

    def forget(self) -> None:
        """Drop what was collected."""
        self.rows.clear()

    def collect(self, engine: Engine) -> None:
        """Keep the middle slices of levels not seen yet."""
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            level = float(item[self.level_key])
            if level not in self.rows:
                noisy, pred, clean = (_middle_slice(output[key]) for key in ("image", "pred", "label"))
                self.rows[level] = {"noisy": noisy, "denoised": pred, "residual": noisy - pred, "clean": clean}

    def draw(self, engine: Engine) -> None:
        """Write the picture of this epoch."""
        self.folder.mkdir(parents=True, exist_ok=True)
        levels = sorted(self.rows)
        figure = comparison_figure([self.rows[level] for level in levels], [f"{level:g} %" for level in levels])
        figure.savefig(self.folder / f"epoch_{engine.state.epoch:03d}.png", dpi=80)


def _middle_slice(volume: torch.Tensor) -> np.ndarray:
    return np.asarray(volume[0, ..., volume.shape[-1] // 2].detach().cpu(), dtype=np.float32)
