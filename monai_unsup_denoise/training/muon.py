"""The Muon optimizer, in the precision that a processor is fast in."""

from typing import Any

import pytorch_optimizer
import torch
from pytorch_optimizer.optimizer.utils.matrix import zero_power_via_newton_schulz_5 as newton_schulz

from monai_unsup_denoise.inference.precision import autocast_dtype


class Muon(pytorch_optimizer.Muon):
    """``pytorch_optimizer.Muon`` with matrix products in float32 where the processor only emulates bfloat16.

    Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon) use bfloat16, which is fast on a GPU and on a CPU
    with AVX-512. Other CPUs emulate it, and are faster in float32.
    """

    @staticmethod
    def _orthogonalize(group: dict[str, Any], updates: list[torch.Tensor]) -> list[torch.Tensor]:
        """Make updates orthogonal, as matrices of equal size or its transpose; all at once."""
        matrices = [update.flatten(1) for update in updates]
        upright = [len(matrix) > matrix.shape[1] for matrix in matrices]
        wide = torch.stack([matrix.mT if tall else matrix for matrix, tall in zip(matrices, upright, strict=True)])
        dtype = autocast_dtype(wide.device) or torch.float32
        found = newton_schulz(wide, num_steps=group["ns_steps"], weights=group["ns_coeffs"], dtype=dtype)
        return [matrix.mT if tall else matrix for matrix, tall in zip(found, upright, strict=True)]
