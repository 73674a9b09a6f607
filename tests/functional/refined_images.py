"""Images to refine, and their errors."""

import numpy as np
import torch
from scipy import ndimage

from monai_unsup_denoise.functional import add_rician_noise


def rods(shape: tuple[int, int, int] = (40, 40, 24)) -> torch.Tensor:
    """Self-similar slanted sheets of intensity 1 and 1.5."""
    x, y, z = np.indices(shape)
    return torch.from_numpy(1 + 0.5 * (np.sin(0.9 * x + 0.5 * y + 0.1 * z) > 0)).float()


def noisy_of(clean: torch.Tensor, sigma: float, seed: int = 0) -> torch.Tensor:
    return add_rician_noise(clean, sigma, generator=torch.Generator().manual_seed(seed))


def blurred(image: torch.Tensor) -> torch.Tensor:
    """A pilot that lost detail."""
    return torch.from_numpy(ndimage.gaussian_filter(image.numpy(), 0.8))


def error(image: torch.Tensor, clean: torch.Tensor) -> float:
    return float((image - clean).square().mean().sqrt())


def everywhere(value: float, like: torch.Tensor) -> torch.Tensor:
    return torch.full_like(like, value)
