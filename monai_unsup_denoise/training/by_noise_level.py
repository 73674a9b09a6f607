"""A metric of each noise level, and over all of them."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
from ignite.engine import Engine
from ignite.metrics import Metric
from monai.data import MetaTensor


class ByNoiseLevel(Metric):
    """Mean of an image metric over all volumes, and over those of each noise level.

    ``engine.state.metrics`` gets ``name``, ``name_05``, ``name_10`` and so on.

    Args:
        metric: called with prediction and reference ``(1, C, *spatial)``, returns one value, as
            ``monai.metrics.PSNRMetric(max_val=1)``.
        name: what it is called, ``psnr``.
        level_key: where a decollated item of ``engine.state.batch`` keeps its noise level in percent.
    """

    def __init__(self, metric: Callable[..., torch.Tensor], name: str, *, level_key: str = "level") -> None:
        self.metric = metric
        self.name = name
        self.level_key = level_key
        super().__init__(output_transform=lambda output: output)

    def reset(self) -> None:
        """Forget everything."""
        self.values: list[tuple[float, float]] = []

    def iteration_completed(self, engine: Engine) -> None:
        """Take predictions, references and levels of one iteration."""
        levels = [float(item[self.level_key]) for item in engine.state.batch]
        pairs = [(item["pred"], item["label"]) for item in engine.state.output]
        self.update((pairs, levels))

    def completed(self, engine: Engine, name: str) -> None:
        """Put the mean over all under ``name``, those by level beside it; Ignite itself allows no name in two roles."""
        by_level = self.compute()
        engine.state.metrics[name] = by_level.pop(self.name)
        engine.state.metrics.update(by_level)

    def update(self, output: tuple[list[tuple[torch.Tensor, torch.Tensor]], list[float]]) -> None:
        """Add ``[(prediction, reference), ...]``, each ``(C, *spatial)``, and their levels."""
        for (prediction, reference), level in zip(*output, strict=True):
            value = self.metric(_plain(prediction), _plain(reference))
            self.values.append((level, float(torch.as_tensor(value).mean())))

    def compute(self) -> dict[str, float]:
        """Means by level and over all, of all processes.

        Raises:
            ValueError: if there was nothing to evaluate.
        """
        values = self.values
        if dist.is_available() and dist.is_initialized():
            gathered: list = [None] * dist.get_world_size()
            dist.all_gather_object(gathered, values)
            values = [value for part in gathered for value in part]
        if not values:
            raise ValueError(f"{self.name}: no volume was evaluated; the evaluation set is empty")
        by_level: dict[float, list[float]] = {}
        for level, value in values:
            by_level.setdefault(level, []).append(value)
        means = {f"{self.name}_{level:02g}": sum(v) / len(v) for level, v in sorted(by_level.items())}
        return {self.name: sum(value for _, value in values) / len(values), **means}


def _plain(image: torch.Tensor) -> torch.Tensor:
    image = image.as_tensor() if isinstance(image, MetaTensor) else image
    return image.unsqueeze(0).float()
