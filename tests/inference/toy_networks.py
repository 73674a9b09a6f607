"""Networks whose output is known, and which remember what they were shown."""

import torch
from torch.nn.functional import adaptive_avg_pool3d, avg_pool3d, pad

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    NoiseLevel,
    NoiseReader,
    PhysicsGuidedDenoiser,
)


def untrained_denoiser() -> PhysicsGuidedDenoiser:
    """The model of the bundle, small; untrained, it returns its input."""
    reader = NoiseReader(channels=(4, 6))
    torch.nn.init.constant_(reader.sureness[-1].bias, -4.0)  # sure of its code
    return PhysicsGuidedDenoiser(
        ContentEncoder(3, 1, channels=(4, 6, 8)),
        reader,
        ContentGenerator(3, 1, code_channels=5, channels=(4, 6, 8)),
        NoiseLevel(),
        working_sigma=0.1,
    ).requires_grad_(False)


class Spy:
    """Multiplies by a number and adds one; its code is the standard deviation, and sigma is the code itself.

    How sure it is of the code, and what else it says of the noise, are its attributes.
    """

    log_variance = -20.0
    correlated = (0.0, 0.0, 0.0)
    combined = 1.0

    def __init__(self, *, factor=1.0, shift=0.0):
        self.factor, self.shift = factor, shift
        self.encoded, self.images, self.codes = [], [], []

    def encode_noise(self, image):
        return self.noise_code(self.noise_cells(image))[0]

    def noise_cells(self, image):
        self.encoded.append(image)
        return sums_of_cells(torch.cat([torch.ones_like(image), image, image.square()], dim=1))

    def noise_code(self, cells):
        count, total, squares = cells.double().sum((2, 3, 4)).split(1, dim=1)
        code = ((squares - total.square() / count) / (count - 1)).sqrt().float()
        return code, torch.full_like(code, self.log_variance)

    def is_white(self, code):
        return torch.zeros(len(code), dtype=torch.bool)

    def read_white(self, image, code):
        return code

    def noise_map(self, cells):
        return 0.1 + cells[:, 1:2] / cells[:, :1]

    def sigma(self, code):
        return code[:, 0]

    def correlation(self, code):
        return torch.tensor([self.correlated]).expand(len(code), 3)

    def coils(self, code):
        return torch.full((len(code),), self.combined)

    def code_of(self, sigma, correlation, coils):
        return sigma.unsqueeze(1)

    def scale_sigma(self, code, factor):
        return code * factor.unsqueeze(1)

    def __call__(self, image, code, mean_code=None):
        self.images.append(image)
        self.codes.append(code)
        return self.factor * image + self.shift


def sums_of_cells(image):
    """Sums over cells of 4 x 4 x 4 voxels, of fewer at the end of an axis."""
    ends = [end for side in reversed(image.shape[2:]) for end in (0, -side % 4)]
    return avg_pool3d(pad(image, ends), 4) * 4**3


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
        return avg_pool3d(pad(image, [1] * 6, mode="replicate"), 3, stride=1)


class Oracle(Spy):
    """Knows the clean image, and overestimates the noise level by a tenth."""

    def __init__(self, clean, sigma):
        super().__init__()
        self.clean, self.wrong = clean, 1.1 * sigma

    def noise_map(self, cells):
        return adaptive_avg_pool3d(self.wrong, cells.shape[2:])

    def __call__(self, image, code, mean_code=None):
        return self.clean.clone()


class Rising(Oracle):
    """Its map of the noise level rises evenly along the first axis; its single number is the middle of it."""

    def __init__(self, clean, factor, level=0.1):
        place = torch.linspace(-0.5, 0.5, clean.shape[2]).view(-1, 1, 1)
        super().__init__(clean, level * (factor**place).expand_as(clean))

    def noise_code(self, cells):
        return torch.full((1, 1), self.wrong.log().mean().exp().item()), torch.full((1, 1), self.log_variance)


class Immerkaer(Spy):
    """Estimates the noise level from second differences, as Immerkaer does."""

    def noise_cells(self, image):
        squares = pad(image.diff(dim=2).diff(dim=3).square(), (0, 0, 0, 1, 0, 1))
        known = pad(torch.ones_like(image)[:, :, 1:, 1:], (0, 0, 0, 1, 0, 1))
        return sums_of_cells(torch.cat([known, squares], dim=1))

    def noise_code(self, cells):
        count, squares = cells.sum((2, 3, 4)).split(1, dim=1)
        code = (squares / count).sqrt() / 2
        return code, torch.full_like(code, self.log_variance)

    def noise_map(self, cells):
        return (cells[:, 1:] / cells[:, :1]).sqrt() / 2


class Unaware:
    """Changes nothing and does not estimate the noise level, like the published method."""

    def encode_noise(self, image):
        return image.new_zeros(len(image), 1)

    def __call__(self, image, code, mean_code=None):
        return image
