"""A 2-D network over the slabs of a volume (2.5-D)."""

import torch
from torch import Tensor
from tqdm import tqdm

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.noise import NoiseEstimate
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.inference.whole_volume import WholeVolumeInferer
from monai_unsup_denoise.protocols import DenoisingNetwork


class SlabInferer(WholeVolumeInferer):
    """Denoise a volume with a 2-D network whose channels are ``depth`` neighbouring slices.

    Slices lie along the last axis. A slab starts at every slice; each voxel is the weighted mean of the up to ``depth``
    predictions made of it, the middle of a slab counting most. The noise code is estimated once for the whole volume
    (the median over its slabs), so that no seam can come from it.

    Args:
        depth: slices in a slab, the network's number of channels; odd.
        batch_size: slabs denoised at once.
        step: slices from one slab to the next, 1 to ``depth``: larger is faster and averages less.
    """

    def __init__(self, depth: int = 5, *, batch_size: int = 4, step: int = 1, progress: bool = False) -> None:
        super().__init__(progress=progress)
        if depth % 2 == 0 or not 1 <= step <= depth:
            raise ValueError(f"depth must be odd and step between 1 and depth, got depth {depth}, step {step}")
        self.depth = depth
        self.batch_size = batch_size
        self.step = step

    def with_settings(self, settings: DenoiseSettings) -> "SlabInferer":
        """The same inferer, which has no settings."""
        asked = {**settings.switches(), "refine": False}
        if unknown := [name for name, value in asked.items() if value]:
            raise InputError(f"{unknown[0]}: the SlabInferer of this config cannot do that; leave it out")
        return self

    def estimate_noise(self, inputs: Tensor, network: DenoisingNetwork) -> NoiseEstimate:
        slabs = self._slabs(inputs.as_subclass(Tensor))
        starts = range(0, len(slabs), self.batch_size)
        codes = torch.cat([network.encode_noise(slabs[i : i + self.batch_size]) for i in starts])
        return NoiseEstimate(codes.median(dim=0, keepdim=True).values)

    def denoise(self, volume: Tensor, network: DenoisingNetwork, noise: NoiseEstimate) -> Tensor:
        slices = volume.shape[-1]
        starts = sorted({*range(0, slices - self.depth + 1, self.step), slices - self.depth})
        weight = 1 - torch.linspace(-1, 1, self.depth + 2, device=volume.device)[1:-1].abs().view(-1, 1, 1)
        total = torch.zeros(volume.shape[-1:] + volume.shape[2:4], device=volume.device)
        count = torch.zeros(slices, 1, 1, device=volume.device)
        slabs = self._slabs(volume)
        batches = range(0, len(starts), self.batch_size)
        for first in tqdm(batches, desc="slabs", leave=False, disable=None if self.progress else True):
            chosen = starts[first : first + self.batch_size]
            predictions = network(slabs[chosen], noise.code.expand(len(chosen), -1)).float()
            for start, prediction in zip(chosen, predictions, strict=True):
                total[start : start + self.depth] += weight * prediction
                count[start : start + self.depth] += weight
        return (total / count).clamp(min=0).permute(1, 2, 0)[None, None]

    def _slabs(self, volume: Tensor) -> Tensor:
        """Every slab of ``(1, 1, H, W, D)`` as a view ``(D - depth + 1, depth, H, W)``."""
        if (slices := volume.shape[-1]) < self.depth:
            raise ValueError(f"the volume has {slices} slices along its last axis, the network sees {self.depth}")
        return volume[0, 0].unfold(2, self.depth, 1).permute(2, 3, 0, 1)
