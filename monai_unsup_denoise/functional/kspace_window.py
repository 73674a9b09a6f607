"""What a scanner samples and weights along one axis of k-space, and the correlation of noise that this leaves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_ROUNDING = 1e-6  # of the highest frequency: where an edge falls on a line, float errors must not move it


def _raised_cosine(k: Tensor, strength: float) -> Tensor:
    return (1 - strength) + strength * (1 + torch.cos(math.pi * k)) / 2


def _gaussian(k: Tensor, strength: float) -> Tensor:
    return torch.exp(-((strength * k) ** 2) / 2)


def _tukey(k: Tensor, strength: float) -> Tensor:
    return (1 + torch.cos(math.pi * ((k - 1 + strength) / strength).clamp(0, 1))) / 2


def _fermi(k: Tensor, strength: float) -> Tensor:
    return torch.sigmoid((1 - k) / strength)


#: Weights of ``|k|``, in units of the highest sampled frequency, by name. The strength is: of a raised cosine, the
#: depth at the edge (1: Hann, 0.92: about Hamming); of a Gaussian, ``s`` in ``exp(-(s k)^2 / 2)``; of Tukey's, the
#: tapered share; of Fermi's, the width of the step at the edge. All four must be positive.
TAPERS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "raised_cosine": _raised_cosine,
    "gaussian": _gaussian,
    "tukey": _tukey,
    "fermi": _fermi,
}


@dataclass(frozen=True)
class KSpaceWindow:
    """Sampling and weighting of k-space along one axis; the default samples all of it.

    Attributes:
        resolution: sampled share of k-space, symmetric, in (0, 1]. Zero filling to twice the matrix is 0.5.
        partial_fourier: share of these lines that is acquired, one-sided, in (0.5, 1].
        taper: a name of ``TAPERS``, or None for no weights.
        strength: of the taper.

    Raises:
        ValueError: for values out of range and unknown tapers.
    """

    resolution: float = 1.0
    partial_fourier: float = 1.0
    taper: str | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.resolution <= 1 and 0.5 < self.partial_fourier <= 1):
            raise ValueError(f"resolution must be in (0, 1] and partial_fourier in (0.5, 1], got {self}")
        if (self.taper is not None and self.taper not in TAPERS) or not self.strength > 0:
            raise ValueError(f"taper must be None or one of {', '.join(TAPERS)}, of positive strength, got {self}")

    def weights(self, n: int) -> Tensor:
        """``h`` of an axis of ``n`` voxels: ``(n,)`` float64, in the order of the FFT, of mean square 1."""
        k = 2 * torch.fft.fftfreq(n, dtype=torch.float64) / self.resolution
        h = ((k >= -1 - _ROUNDING) & (k < 2 * self.partial_fourier - 1 - _ROUNDING)).double()
        if self.taper is not None:
            h *= TAPERS[self.taper](k.abs(), self.strength)
        return h / h.square().mean().sqrt()

    def autocorrelation(self, n: int) -> Tensor:
        """``r(l)`` of complex noise at the lags ``0 .. n - 1``, periodic: the Fourier transform of ``h^2``, complex128.

        The correlation of each channel is the real part; over several axes, of the product of their ``r``.
        """
        return torch.fft.ifft(self.weights(n).square()).resolve_conj()


def filtered_noise(
    shape: Sequence[int], windows: Sequence[KSpaceWindow], *, like: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Complex Gaussian noise ``h * n`` of ``shape``, each channel with variance 1; periodic, as a whole scan is.

    Args:
        shape: of the image.
        windows: one for each axis, or none for white noise.
        like: a tensor of the real type and the device of the result.
        generator: source of the noise. A CPU generator gives the same noise on every device.
    """
    device = like.device if generator is None else generator.device
    noise = torch.complex(*torch.randn((2, *shape), generator=generator, dtype=like.dtype, device=device))
    # The Fourier transform of white noise is white noise: it is drawn in k-space.
    return filter_axes(noise.to(like.device), windows, in_k_space=True)


def filter_axes(image: Tensor, windows: Sequence[KSpaceWindow], *, in_k_space: bool = False) -> Tensor:
    """Multiply k-space by the windows of all axes; with ``in_k_space``, ``image`` is already that of the axes which
    have a window other than the default."""
    axes = [axis for axis, window in enumerate(windows) if window != KSpaceWindow()]
    if not axes:
        return image
    k_space = image if in_k_space else torch.fft.fftn(image, dim=axes, norm="ortho")
    for axis in axes:
        n = image.shape[axis]
        h = windows[axis].weights(n).to(image.device, image.real.dtype)
        k_space = k_space * h.reshape([n if other == axis else 1 for other in range(image.dim())])
    return torch.fft.ifftn(k_space, dim=axes, norm="ortho")
