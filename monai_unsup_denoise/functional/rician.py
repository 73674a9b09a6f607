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

_RAYLEIGH_MEAN = math.sqrt(math.pi / 2)  # of the background at sigma = 1
_RAYLEIGH_VARIANCE = 2 - math.pi / 2
_TINY = 1e-30  # lower bound of sigma: gives the limit sigma -> 0 instead of 0 / 0
_NEWTON_STEPS = 8
_KOAY_TOLERANCE = 1e-10
_KOAY_STEPS = 2000


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


def rician_mean(amplitude: Tensor, sigma: float | Tensor) -> Tensor:
    """``E[m] = sigma sqrt(pi / 2) L_{1/2}(-A^2 / (2 sigma^2))``; in background ``sigma sqrt(pi / 2)``."""
    return _mean(amplitude.double(), _double(sigma, amplitude)).to(_real_type(amplitude))


def rician_second_moment(amplitude: Tensor, sigma: float | Tensor) -> Tensor:
    """``E[m^2] = A^2 + 2 sigma^2``."""
    return (amplitude.double().square() + 2 * _double(sigma, amplitude).square()).to(_real_type(amplitude))


def rician_variance(amplitude: Tensor, sigma: float | Tensor) -> Tensor:
    """``var[m] = A^2 + 2 sigma^2 - E[m]^2``: from ``(2 - pi / 2) sigma^2`` in background to ``sigma^2``."""
    return _variance(amplitude.double(), _double(sigma, amplitude)).to(_real_type(amplitude))


def invert_rician_mean(mean: Tensor, sigma: float | Tensor) -> Tensor:
    """Inverse of ``rician_mean``: the amplitude for a given mean; 0 below the noise floor ``sigma sqrt(pi / 2)``.

    Newton's method on ``L_{1/2}(-2 u) = mean / (sigma sqrt(pi / 2))``, ``u = A^2 / (4 sigma^2)``. The left side is
    concave in ``u`` and the start is below the root, so the iteration converges monotonically.
    """
    x, s = mean.double(), _double(sigma, mean).clamp(min=_TINY)
    ratio = x / (s * _RAYLEIGH_MEAN)
    above = ratio > 1
    ratio = torch.where(above, ratio, 2.0)
    u = torch.maximum(ratio - 1, math.pi / 8 * ratio.square() - 0.5)
    for _ in range(_NEWTON_STEPS):
        u = u + (ratio - _laguerre(u)) / (i0e(u) + i1e(u))
    return torch.where(above, 2 * s * torch.sqrt(u), 0.0).to(_real_type(mean))


def koay_inversion(mean: Tensor, std: float | Tensor) -> tuple[Tensor, Tensor]:
    """Amplitude and sigma of a homogeneous region from the mean and the standard deviation of its magnitudes.

    With ``xi(t) = rician_variance(t, 1)``, the signal-to-noise ratio ``t = A / sigma`` is the fixed point of

        t = sqrt(xi(t) (1 + mean^2 / std^2) - 2),    then    sigma^2 = std^2 / xi(t),    A = t sigma

    and 0 where ``mean / std`` does not exceed that of background, ``sqrt(pi / (4 - pi)) = 1.913``. Convergence is slow
    near that floor: use it for the moments of regions, not voxel by voxel.

    Koay CG, Basser PJ (2006). Analytically exact correction scheme for signal extraction from noisy magnitude MR
    signals. J Magn Reson 179(2):317-322.
    """
    x, s = mean.double(), _double(std, mean)
    ratio = x / s
    snr = torch.where(ratio > _RAYLEIGH_MEAN / math.sqrt(_RAYLEIGH_VARIANCE), ratio, 0.0)
    one = torch.ones_like(snr)
    for _ in range(_KOAY_STEPS):
        square = _variance(snr, one) * (1 + ratio.square()) - 2
        step = torch.where(snr > 0, square.clamp(min=0).sqrt(), 0.0)
        converged = bool(((step - snr).abs() <= _KOAY_TOLERANCE * (1 + snr)).all())
        snr = step
        if converged:
            break
    sigma = s / _variance(snr, one).sqrt()
    return (snr * sigma).to(_real_type(mean)), sigma.to(_real_type(mean))


def _laguerre(u: Tensor) -> Tensor:
    """``L_{1/2}(-2 u)``; its derivative is ``i0e(u) + i1e(u)``."""
    return (1 + 2 * u) * i0e(u) + 2 * u * i1e(u)


def _mean(a: Tensor, s: Tensor) -> Tensor:
    s = s.clamp(min=_TINY)
    return s * _RAYLEIGH_MEAN * _laguerre((a / s).square() / 4)


def _variance(a: Tensor, s: Tensor) -> Tensor:
    square = s.square()
    variance = a.square() + 2 * square - _mean(a, s).square()
    # Rounding can leave the true range.
    return torch.clamp(variance, min=_RAYLEIGH_VARIANCE * square, max=square)


def _double(value: float | Tensor, like: Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64, device=like.device)


def _real_type(image: Tensor) -> torch.dtype:
    return torch.promote_types(image.dtype, torch.float32)
