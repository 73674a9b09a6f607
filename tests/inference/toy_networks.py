"""Networks whose output is known, and which remember what they were shown."""

import torch
from torch.nn.functional import adaptive_avg_pool3d

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    NoiseEncoder,
    NoiseLevel,
    PhysicsGuidedDenoiser,
)


def untrained_denoiser() -> PhysicsGuidedDenoiser:
    """The model of the bundle, small; untrained, it returns its input."""
    return PhysicsGuidedDenoiser(
        ContentEncoder(3, 1, channels=(4, 6, 8)),
        NoiseEncoder(3, channels=4),
        ContentGenerator(3, 1, code_channels=1, channels=(4, 6, 8)),
        NoiseLevel(),
        working_sigma=0.1,
    ).requires_grad_(False)


class Spy:
    """Multiplies by a number and adds one; its code is the standard deviation, and sigma is the code itself."""

    def __init__(self, *, factor=1.0, shift=0.0):
        self.factor, self.shift = factor, shift
        self.encoded, self.images, self.codes = [], [], []

    def encode_noise(self, image):
        self.encoded.append(image)
        return image.flatten(1).std(dim=1, keepdim=True)

    def encode_noise_map(self, image):
        self.encoded.append(image)
        return 0.1 + adaptive_avg_pool3d(image, (2, 2, 2))

    def sigma(self, code):
        return code[:, 0]

    def scale_sigma(self, code, factor):
        return code * factor.unsqueeze(1)

    def __call__(self, image, code, mean_code=None):
        self.images.append(image)
        self.codes.append(code)
        return self.factor * image + self.shift


class Convolution(Spy):
    """One layer of random weights with a reach of one voxel, not symmetric."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv3d(1, 1, 3, padding=1, bias=False).requires_grad_(False)
        self.layer.weight.uniform_(0, 1 / 27)

    def __call__(self, image, code, mean_code=None):
        return self.layer(super().__call__(image, code))


class ReturnsSigma(Spy):
    """Its output is the noise level that it was given."""

    def __call__(self, image, code, mean_code=None):
        return torch.zeros_like(image) + super().sigma(code).unsqueeze(1)


class MeanOfNeighbours(Spy):
    """Mean of 27 voxels."""

    def __call__(self, image, code, mean_code=None):
        return torch.nn.functional.avg_pool3d(torch.nn.functional.pad(image, [1] * 6, mode="replicate"), 3, stride=1)


class Oracle(Spy):
    """Knows the clean image, and overestimates the noise level by a tenth."""

    def __init__(self, clean, sigma):
        super().__init__()
        self.clean, self.wrong = clean, 1.1 * sigma

    def encode_noise_map(self, image):
        return adaptive_avg_pool3d(self.wrong, (6, 6, 24))

    def __call__(self, image, code, mean_code=None):
        return self.clean.clone()


class Rising(Oracle):
    """Its map of the noise level rises evenly along the first axis; its single number is the middle of it."""

    def __init__(self, clean, factor, level=0.1):
        place = torch.linspace(-0.5, 0.5, clean.shape[2]).view(-1, 1, 1)
        super().__init__(clean, level * (factor**place).expand_as(clean))

    def encode_noise(self, image):
        return torch.full((1, 1), self.wrong.log().mean().exp().item())


class Immerkaer(Spy):
    """Estimates the noise level from second differences, as Immerkaer does."""

    def encode_noise(self, image):
        return image.diff(dim=2).diff(dim=3).square().mean((2, 3, 4)).sqrt() / 2


class Unaware:
    """Changes nothing and does not estimate the noise level, like the published method."""

    def encode_noise(self, image):
        return image.new_zeros(len(image), 1)

    def __call__(self, image, code, mean_code=None):
        return image
