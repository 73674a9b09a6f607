"""Noise level and number of coils, measured in air."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, max_pool2d

_BLOCK = 8  # voxels of a side, in the plane
_ROWS = 64  # of the volume, computed at a time
_ABOVE = 0.25  # sigma above the mean of air, up to which a block may be of air
_TISSUE = 1.0  # sigma above the mean of air, from which a block has tissue
_LOW = 0.02  # share of the blocks of air that are darker than those looked at on the other side of the mean
_ENOUGH = 50  # blocks
_ROUNDS = 6
_COILS_UNSURE = 1.2  # factor on the mean of air for a number of coils that may be too low
_CLOSE = 0.15  # log ratio up to which two levels may be the same
_FIT = 0.02  # relative error of the ratio of the moments; even a little unevenness changes it more
_MOST_COILS = 32


@dataclass(frozen=True)
class AirNoise:
    """Noise of air.

    Attributes:
        sigma: of each channel, in the units of the image.
        coils: number of coils whose images were combined by the root of the sum of squares.
    """

    sigma: float
    coils: int


def air_noise(image: Tensor, sigma: float, *, coils: float = 1.0) -> AirNoise | None:
    """The noise of the air of a volume, of which about the level and the number of coils are known.

    Magnitudes of N coils without signal have a central chi distribution, whether the noise is correlated or not:
    ``E[m^2] = 2 N sigma^2``, and ``E[m]^2 / var[m]`` depends on N alone. So the blocks of 8 x 8 voxels that are not
    brighter than air at the known level, nor beside one that is, give sigma and N. Masked voxels, 0, count nowhere.

    Aja-Fernandez S, Vegas-Sanchez-Ferrero G (2016). Statistical Analysis of Noise in MRI. Springer, chapters 2 and 6.

    Args:
        image: magnitudes ``(H, W, D)``.
        sigma: about that of each channel, positive, in the units of the image.
        coils: about their number, 1 or more.

    Returns:
        None if there is little air, or its moments fit no number of coils within a factor of 2 of ``coils``: then it is
        resampled, uneven, or not without signal. And None where sigma differs by more than 15 %: air may be quiet.
    """
    mean, square, whole = _moments(image)
    numbers = torch.arange(1, _MOST_COILS + 1, dtype=torch.float64, device=image.device)
    means = math.sqrt(2) * torch.exp(torch.lgamma(numbers + 0.5) - torch.lgamma(numbers))  # of magnitudes, at sigma 1
    ratios = means.square() / (2 * numbers - means.square())
    number, ratio, known = min(max(round(coils), 1), _MOST_COILS), 0.0, sigma
    limit = (means[number - 1] + _ABOVE) * sigma * (_COILS_UNSURE if number > 1 else 1)
    for _ in range(_ROUNDS):
        bright = (mean > limit + (_TISSUE - _ABOVE) * sigma).double().movedim(2, 0)
        beside = max_pool2d(bright, 3, stride=1, padding=1).movedim(0, 2) > 0  # a little tissue reaches into air
        dark = whole & (mean < limit) & ~beside
        if int(dark.sum()) < _ENOUGH:
            return None
        # Blocks of air differ from their median alike to both sides; brighter ones have some tissue.
        middle, low = mean[dark].quantile(mean.new_tensor([0.5, _LOW]))
        even = dark & (mean < 2 * middle - low)
        first, second = mean[even].mean(), square[even].mean()
        ratio = float(first.square() / (second - first.square()).clamp(min=1e-30))
        number = 1 + int((ratios / ratio).log().abs().argmin())
        sigma = float((second / (2 * number)).sqrt())
        limit = (means[number - 1] + _ABOVE) * sigma
    fits = abs(ratio / float(ratios[number - 1]) - 1) < _FIT and 0.5 <= number / coils <= 2
    return AirNoise(sigma, number) if fits and abs(math.log(sigma / known)) < _CLOSE else None


def _moments(image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and mean square of blocks, ``(rows, columns, D)`` float64, and whether they have no voxel of 0."""
    sides = [min(_BLOCK, image.shape[0]), min(_BLOCK, image.shape[1]), 1]
    parts = []
    for rows in image.float().split(_ROWS):
        if len(rows) < sides[0]:
            break
        stack = torch.stack([rows, rows.square(), (rows > 0).float()])
        parts.append(avg_pool3d(stack[:, None], sides, stride=sides)[:, 0])
    mean, square, inside = torch.cat(parts, dim=1).double()
    return mean, square, inside > 1 - 1e-6
