"""Smooth maps of the noise level over an image, from few numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate


@dataclass(frozen=True)
class NoiseGain:
    """``g(r)``, the exponential of linearly interpolated nodes, divided by its root mean square.

    Parallel imaging raises the noise where coils see alike; a correction of the receive field raises it where they see
    little. Both scale signal-free noise and noise in tissue alike, so one map stands for both.

    Attributes:
        grid: number of nodes along each axis.
        log_nodes: ``log g`` at the nodes, up to a constant, the last axis fastest.

    Raises:
        ValueError: if there are not as many nodes as the grid has.
    """

    grid: tuple[int, ...]
    log_nodes: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.log_nodes) != math.prod(self.grid) or len(self.grid) not in (2, 3):
            raise ValueError(
                f"a grid of 2 or 3 axes and as many nodes expected, got {self.grid}, {len(self.log_nodes)}"
            )

    def map(self, shape: Sequence[int]) -> Tensor:
        """``g`` of ``shape``, float32, of mean square 1."""
        nodes = torch.tensor(self.log_nodes).reshape(1, 1, *self.grid)
        mode = "bilinear" if len(self.grid) == 2 else "trilinear"
        gain = interpolate(nodes, size=tuple(shape), mode=mode, align_corners=True)[0, 0].exp()
        return gain / gain.square().mean().sqrt()
