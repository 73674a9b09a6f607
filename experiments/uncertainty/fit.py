"""Fit the error head to denoised crops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import trange

from experiments.uncertainty.crops import Crop
from monai_unsup_denoise.losses import pinball_loss
from monai_unsup_denoise.networks.error_head import COVERAGES, ErrorHead

_PATCH = 32  # voxels: side
_BATCH = 4
_LEARNING_RATE = 2e-3
_OF_AIR = 0.05  # weight of a voxel of air, of which there are most


def fit_error_head(crops: Sequence[Crop], *, steps: int, seed: int = 0) -> ErrorHead:
    """An `ErrorHead` trained on patches of the crops, by Adam with one cycle of the learning rate."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head = ErrorHead()
    optimizer = torch.optim.Adam(head.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=steps)
    mean = 0.0
    with trange(steps, desc="error head", disable=None) as bar:
        for step in bar:
            loss = torch.stack(
                [_loss(head, _patch(crops[one], rng)) for one in rng.integers(len(crops), size=_BATCH)]
            ).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            mean += (loss.item() - mean) / min(step + 1, 100)
            bar.set_postfix_str(f"loss {mean:.4f}")
    return head.eval()


def _patch(crop: Crop, rng: np.random.Generator) -> dict[str, Tensor]:
    """One of random place and orientation, with what was found of the noise along its axes."""
    sides = [min(_PATCH, side) for side in crop.clean.shape]
    firsts = [int(rng.integers(length - side + 1)) for length, side in zip(crop.clean.shape, sides, strict=True)]
    box = tuple(slice(first, first + side) for first, side in zip(firsts, sides, strict=True))
    mirrored = tuple(axis for axis in range(3) if rng.random() < 0.5)
    swapped = (1, 0, 2) if rng.random() < 0.5 else (0, 1, 2)

    def oriented(volume: np.ndarray) -> Tensor:
        return torch.from_numpy(np.flip(volume[box], mirrored).transpose(swapped).astype(np.float32))[None, None]

    volumes = {name: oriented(getattr(crop, name)) for name in ("noisy", "denoised", "sigma", "tissue")}
    numbers = crop.numbers.copy()
    numbers[:3] = numbers[list(swapped)]
    return {**volumes, "error": oriented(crop.error()), "numbers": torch.from_numpy(numbers)[None]}


def _loss(head: ErrorHead, patch: dict[str, Tensor]) -> Tensor:
    """The pinball losses of both half-widths, in units of sigma."""
    sigma, weight = patch["sigma"], torch.where(patch["tissue"] > 0, 1.0, _OF_AIR)
    with torch.autocast("cpu", torch.bfloat16):
        widths = head(patch["noisy"], patch["denoised"], sigma, patch["numbers"]) / sigma
    losses = [
        pinball_loss(width, patch["error"] / sigma, share)
        for width, share in zip(widths.split(1, dim=1), COVERAGES, strict=True)
    ]
    total: Tensor = (torch.stack(losses).sum(0) * weight).sum() / weight.sum()
    return total
