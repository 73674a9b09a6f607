"""Air with less noise than tissue, as parallel imaging and the combination of coils leave it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from monai_unsup_denoise.functional.coarse_maps import triangular_smooth


@dataclass(frozen=True)
class QuietAir:
    """A share of the noise that is left in air; it rises smoothly towards tissue, which has all of it.

    Unfolding amplifies the noise where the object is folded, coils that see the object are given more weight, and
    reconstructions dim what they take for air. So the noise in air may say little about the noise in tissue.

    Attributes:
        share: of the noise, in the middle of air, from 0 to 1.
        air: voxels whose clean intensity is at most this are air.
        reach: voxels around tissue, along each axis, over which the noise falls; about half of them.
    """

    share: float = 0.3
    air: float = 0.02
    reach: int = 2

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.reach < 0:
            raise ValueError(f"share must be in [0, 1] and reach not negative, got {self}")

    def map(self, clean: Tensor) -> Tensor:
        """Factor on sigma for each voxel of a clean image ``(*spatial)``: 1 in tissue, at least ``share``."""
        tissue = (clean > self.air).to(torch.float32)
        near = triangular_smooth(tissue[None, None], [self.reach] * clean.dim())[0, 0]
        # Half of the smoothing window is in tissue at its border.
        return torch.where(tissue > 0, 1.0, self.share + (1 - self.share) * (2 * near).clamp(max=1)).to(clean.dtype)
