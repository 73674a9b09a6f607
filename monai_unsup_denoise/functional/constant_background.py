"""Parts of an image that hold no noise but a constant: masked air, a removed face."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool1d


@dataclass(frozen=True)
class ConstantBackground:
    """A constant in air, and beyond a plane, as defacing leaves it.

    Attributes:
        value: the constant, in the units of the image.
        air: voxels whose clean intensity is at most this are air, unless tissue is near; None masks no air.
        margin: voxels around tissue, along each axis, that keep their noise.
        face: ``(normal, offset)``: voxels with ``normal . x > offset`` are removed, where ``x`` runs from -1 to 1 along
            each axis; None removes none.
    """

    value: float = 0.0
    air: float | None = 0.0
    margin: int = 0
    face: tuple[tuple[float, ...], float] | None = None

    def apply(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """Copy of ``noisy`` ``(*spatial)`` with the constant where the clean image of this shape says."""
        return torch.where(self.mask(clean), torch.as_tensor(self.value, dtype=noisy.dtype, device=noisy.device), noisy)

    def mask(self, clean: Tensor) -> Tensor:
        """Where the constant is."""
        mask = torch.zeros_like(clean, dtype=torch.bool)
        if self.air is not None:
            tissue = (clean > self.air).float()
            for axis in range(clean.dim()):
                lines = tissue.movedim(axis, -1)
                tissue = (
                    max_pool1d(lines.flatten(0, -2), 2 * self.margin + 1, 1, self.margin)
                    .view(lines.shape)
                    .movedim(-1, axis)
                )
            mask |= tissue == 0
        if self.face is not None:
            normal, offset = self.face
            along = torch.zeros((), device=clean.device)
            for axis, (n, weight) in enumerate(zip(clean.shape, normal, strict=True)):
                x = torch.linspace(-1, 1, n, device=clean.device)
                along = along + weight * x.reshape([n if other == axis else 1 for other in range(clean.dim())])
            mask |= along > offset
        return mask
