"""Rician statistics of MR magnitude images: ``m = |A + sigma (n1 + i n2)|`` with ``n1, n2 ~ N(0, 1)``.

``A >= 0`` is the noise-free amplitude. ``sigma`` is the standard deviation of the noise in each of the two complex
channels, in the units of the image: a number, or a tensor that broadcasts against the image. All functions are
elementwise and return the floating type of their first argument, at least float32. Densities and moments are computed
in float64, because their terms cancel at high signal-to-noise ratios ``A / sigma``.

Gudbjartsson H, Patz S (1995). The Rician distribution of noisy MRI data. Magn Reson Med 34(6):910-914.
"""

import math

import torch
from torch import Tensor
from torch.special import i0e, i1e

from monai_unsup_denoise.functional.noncentral_chi import unit_chi_variance

_RAYLEIGH_MEAN = math.sqrt(math.pi / 2)  # of the background at sigma = 1
_RAYLEIGH_VARIANCE = 2 - math.pi / 2
_TINY = 1e-30  # lower bound of sigma: gives the limit sigma -> 0 instead of 0 / 0


def add_rician_noise(image: Tensor, sigma: float | Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Noisy copy of an image, ``m = |A + sigma (n1 + i n2)|``.

    Differentiable in ``image`` and ``sigma``. Half precision is computed and returned in float32. Negative values are
    no amplitudes and would be folded to ``|A|``: add noise before any centring.

    Args:
        image: ``A`` of any shape.
        sigma: in the units of the image.
        generator: source of the noise. A CPU generator gives the same noise on every device.
    """
    image = image.to(_real_type(image))
    device = image.device if generator is None else generator.device
    noise = torch.randn((2, *image.shape), generator=generator, dtype=image.dtype, device=device)
    noise = noise.to(image.device)
    # At 0 the complex modulus has the gradient 0; torch.hypot has NaN.
    return torch.complex(image + sigma * noise[0], (sigma * noise[1]).expand_as(image)).abs()


def rician_log_density(m: Tensor, amplitude: float | Tensor, sigma: float | Tensor) -> Tensor:
    """``log p(m | A, sigma)``; value and gradients are finite at every signal-to-noise ratio.

        p(m | A, sigma) = m / sigma^2  exp(-(m^2 + A^2) / (2 sigma^2))  I_0(m A / sigma^2)

    Args:
        m: observed magnitudes, positive; the result for exactly 0 is ``-inf``.
        amplitude: ``A >= 0``.
        sigma: positive.
    """
    x, a, s = m.double(), _double(amplitude, m), _double(sigma, m)
    log_density = torch.log(x) - 2 * torch.log(s) - ((x - a) / s).square() / 2 + torch.log(i0e(x / s * a / s))
    return log_density.to(_real_type(m))


def rician_mean(amplitude: Tensor, sigma: float | Tensor, *, coils: int = 1) -> Tensor:
    """``E[m] = sigma sqrt(pi / 2) L_{1/2}(-A^2 / (2 sigma^2))``; in background ``sigma sqrt(pi / 2)``.

    Of the root of the sum of squares of more ``coils`` with noise ``sigma`` each: noncentral chi. A ValueError for
    fewer than one.
    """
    a, s = amplitude.double(), _double(sigma, amplitude)
    if coils == 1:
        return _mean(a, s).to(_real_type(amplitude))
    square = s.square()
    second_moment = a.square() + 2 * coils * square
    return (second_moment - square * _chi_variance(a, s, coils)).sqrt().to(_real_type(amplitude))


def rician_variance(amplitude: Tensor, sigma: float | Tensor, *, coils: int = 1) -> Tensor:
    """``var[m] = A^2 + 2 sigma^2 - E[m]^2``: from ``(2 - pi / 2) sigma^2`` in background to ``sigma^2``.

    With more ``coils`` as :func:`rician_mean`.
    """
    a, s = amplitude.double(), _double(sigma, amplitude)
    square = s.square()
    if coils != 1:
        return (square * _chi_variance(a, s, coils)).to(_real_type(amplitude))
    variance = a.square() + 2 * square - _mean(a, s).square()
    # Rounding can leave the true range.
    variance = torch.clamp(variance, min=_RAYLEIGH_VARIANCE * square, max=square)
    return variance.to(_real_type(amplitude))


def _mean(a: Tensor, s: Tensor) -> Tensor:
    s = s.clamp(min=_TINY)
    u = (a / s).square() / 4
    return s * _RAYLEIGH_MEAN * ((1 + 2 * u) * i0e(u) + 2 * u * i1e(u))  # L_{1/2}(-2 u)


def _chi_variance(a: Tensor, s: Tensor, coils: int) -> Tensor:
    if coils < 1:
        raise ValueError(f"coils must be at least 1, got {coils}")
    return unit_chi_variance((a / s.clamp(min=_TINY)).square(), coils)


def _double(value: float | Tensor, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64, device=like.device)


def _real_type(image: Tensor) -> torch.dtype:
    return torch.promote_types(image.dtype, torch.float32)
