"""What can be known about the noise of a scanner before it is drawn: level, correlation, spectrum."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from monai_unsup_denoise.functional.scanner_noise import ScannerNoise

#: At which the correlation of neighbours is given.
LAGS = (1, 2)


@dataclass(frozen=True)
class NoiseTruth:
    """What is to be read from a noisy image: of the Gaussian noise of one channel, before magnitude and rounding.

    Attributes:
        sigma: at each voxel, after all effects, in the units of the image: ``(*spatial)``, or without axes.
        floor_sigma: of the channels whose magnitude was taken, which sets the noise floor. Equal to ``sigma`` unless
            the magnitudes were resampled.
        correlation: of neighbours, ``(axes, len(LAGS))`` float32, averaged over the image; 0 for lags beyond its size.
        coils: number of coils.
    """

    sigma: Tensor
    floor_sigma: Tensor
    correlation: Tensor
    coils: int


def noise_truth(image: Tensor, sigma: float | Tensor, *, scanner: ScannerNoise) -> NoiseTruth:
    """The truth about the noise that ``add_scanner_noise`` adds with the same arguments. Nothing is drawn.

    Raises:
        ValueError: unless there is one window for each axis, or none.
    """
    shape, axes = image.shape, range(image.dim())
    floor_sigma = scanner.scale(image, sigma)
    lags = [np.asarray([[lag * (axis == other) for lag in (0, *LAGS)] for axis in axes]) for other in axes]
    covariance = _covariance(shape, scanner, lags)
    inside = np.asarray([[lag < n for lag in LAGS] for n in shape])
    correlation = torch.from_numpy(covariance[:, 1:] / covariance[:, :1] * inside).float()
    if scanner.resampling is None:
        return NoiseTruth(floor_sigma, floor_sigma, correlation, scanner.coils)
    variance = scanner.resampling.variance(shape, _autocorrelations(shape, scanner)).to(floor_sigma)
    return NoiseTruth(floor_sigma * variance.sqrt(), floor_sigma, correlation, scanner.coils)


def noise_spectrum(shape: Sequence[int], scanner: ScannerNoise) -> Tensor:
    """Power spectrum of the noise of one channel, ``shape``, float64, in the order of the FFT; its mean is 1.

    Of windows it is ``(|h(k)|^2 + |h(-k)|^2) / 2``; of resampled noise, which is not stationary, the mean over the
    image. A map of the level is left out.

    Raises:
        ValueError: as ``noise_truth``.
    """
    lags = np.meshgrid(*((np.fft.fftfreq(n) * n).round() for n in shape), indexing="ij", sparse=True)
    spectrum = np.fft.fftn(_covariance(shape, scanner, lags)).real.clip(min=0)
    return torch.from_numpy(spectrum / spectrum.mean())


def _covariance(shape: Sequence[int], scanner: ScannerNoise, lags: Sequence[np.ndarray]) -> np.ndarray:
    """Mean covariance at ``lags``, an array for each axis; they broadcast. The variance is 1 before any resampling."""
    autocorrelations = _autocorrelations(shape, scanner)
    if scanner.resampling is not None:
        return scanner.resampling.covariance(shape, autocorrelations, lags)
    total = np.ones(np.broadcast_shapes(*map(np.shape, lags)), complex)
    for r, lag in zip(autocorrelations, lags, strict=True):
        total *= r.numpy()[lag.astype(int) % len(r)]
    return total.real


def _autocorrelations(shape: Sequence[int], scanner: ScannerNoise) -> list[Tensor]:
    """Along each axis of the scanner's grid."""
    grid = shape if scanner.resampling is None else scanner.resampling.scanner_shape(shape)
    return [window.autocorrelation(n) for window, n in zip(scanner.windows_of(shape), grid, strict=True)]
