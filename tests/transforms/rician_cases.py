"""A volume and every kind of noise, for the tests of the Rician transforms."""

import math

import torch
from monai.data import MetaTensor

from monai_unsup_denoise.transforms import AddRicianNoise, RandRician

AFFINE = torch.tensor([[0.0, 2, 0, 5], [1, 0, 0, -3], [0, 0, 4, 7], [0, 0, 0, 1]], dtype=torch.float64)


def phantom(scale: float = 1.0, *, name: str = "/data/a.nii.gz") -> MetaTensor:
    """Background around a block of 0.5 with a bright core of 1.0, times ``scale``."""
    image = torch.zeros(1, 40, 40, 24)
    image[:, 8:32, 8:32, 4:20] = 0.5
    image[:, 16:24, 16:24, 8:16] = 1.0
    return MetaTensor(image * scale, affine=AFFINE, meta={"filename_or_obj": name})


def measured_sigma(noisy: torch.Tensor, clean: torch.Tensor) -> float:
    """From the second moment: E[m^2] - A^2 = 2 sigma^2."""
    return math.sqrt((noisy.double().square() - clean.double().square()).mean().item() / 2)


def rand(seed: int = 0, **settings) -> RandRician:
    return RandRician(**settings).set_random_state(seed)


EVERY_KIND = [
    lambda: rand(level_range=(5, 30)),
    lambda: rand(levels=[15]),
    lambda: rand(level_range=(5, 20), reference=1.0),
    lambda: rand(levels=[10], reference=1.0, variation=2.0),
    lambda: rand(level_range=(5, 30), prob=0.0),
    lambda: AddRicianNoise(15),
    lambda: AddRicianNoise(10, reference=1.0),
]
