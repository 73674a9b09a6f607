"""An image metric at each noise level."""

from collections.abc import Callable
from statistics import fmean

import ignite.distributed as idist
import torch
from ignite.engine import Engine
from ignite.metrics import Metric


class ByNoiseLevel(Metric):
    """Mean of an image metric over all volumes (``name``), and at each level (``name_05``, ``name_10`` and so on).

    Decollated items of ``engine.state.batch`` have their noise level, in percent, under ``level``. The metric is called
    with prediction and reference ``(1, C, *spatial)``, as ``monai.metrics.PSNRMetric(max_val=1)``.
    """

    def __init__(self, metric: Callable[..., torch.Tensor], name: str) -> None:
        self.metric = metric
        self.name = name
        super().__init__()

    def reset(self) -> None:
        self.values: list[tuple[float, float]] = []

    def iteration_completed(self, engine: Engine) -> None:
        levels = [float(item["level"]) for item in engine.state.batch]
        self.update(([(item["pred"], item["label"]) for item in engine.state.output], levels))

    def completed(self, engine: Engine, name: str) -> None:
        """Put the means into ``engine.state.metrics``; Ignite would put the dictionary itself there as well."""
        engine.state.metrics.update(self.compute())

    def update(self, output: tuple[list[tuple[torch.Tensor, torch.Tensor]], list[float]]) -> None:
        """Add ``[(prediction, reference), ...]``, each ``(C, *spatial)``, and their levels."""
        for pair, level in zip(*output, strict=True):
            value = self.metric(*(image.as_subclass(torch.Tensor)[None].float() for image in pair))
            self.values.append((level, float(value.mean())))

    def compute(self) -> dict[str, float]:
        """Means by level and over all, of all processes.

        Raises:
            ValueError: if there was nothing to evaluate.
        """
        values = [value for of_process in idist.all_gather(self.values) for value in of_process]
        if not values:
            raise ValueError(f"{self.name}: no volume was evaluated; the evaluation set is empty")
        levels = sorted({level for level, _ in values})
        means = {f"{self.name}_{level:02g}": fmean(v for at, v in values if at == level) for level in levels}
        return {self.name: fmean(value for _, value in values), **means}
