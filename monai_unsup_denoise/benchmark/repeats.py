"""The true noise of repeated scans, and the score of a denoised repeat against the others.

Each repeat is ``A + b + n``: the amplitude, its Rician bias, and noise that is independent of the other repeats.

- Scale: the 99.9th percentile of all repeats is 1.
- Repeats of one object: the longest run of successive volumes between which no structure changes (`_longest_run`).
  Directions of a diffusion series, and volumes before and after a motion, are runs of their own.
- Drift: each repeat is multiplied by the smooth ratio (over 12 voxels, slice by slice) of the scored one to it.
- Tissue: the mean of the repeats is above 0.1 and above 3 sigma.
- Sigma: half the squared difference of neighbouring repeats, averaged over 3 voxels; the median of its root over
  tissue, which edges that moved and pulsating vessels hardly change.
- Truth: the mean of the other repeats, less the Rician bias ``sigma^2 / (2 A)``: leaving it in is an error.
- Error: the mean square difference from the truth over tissue, less the variance of the truth's own noise.

A method that removes noise only gains ``10 log10(error of the repeat / error of the denoised repeat)``. What moves or
pulsates between repeats is in both errors, so that gains on heads are lower than on phantoms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from monai_unsup_denoise.benchmark.cases import Volume
from monai_unsup_denoise.errors import InputError

#: Columns of repeats.csv beside those of every benchmark, see :meth:`RepeatCase.measure`.
REPEAT_COLUMNS = ("gain", "sigma_ratio", "bias", "rmse", "rmse_noisy", "lag1_x", "lag1_y", "lag1_z", "repeats")

_TISSUE = 0.1
_SNR = 3.0
_DRIFT = (12.0, 12.0, 0.0)  # voxels
_LOCAL = (3.0, 3.0, 1.0)
_STRUCTURE = (1.5, 1.5, 1.5)
_CHANGE = 2.0  # of the power of smoothed differences: to 1.7 between repeats, from 3 between directions
_LAGS = 8  # voxels up to which noise may be correlated
_LEAST_POWER = 1e-3  # of the mean, at any frequency
_FEWEST = 100  # voxels of tissue


@dataclass(frozen=True)
class RepeatCase:
    """A repeat, what is known of its noise, and the truth.

    Attributes:
        volume: its ``clean`` is the truth, of which only tissue is scored.
        seed: number of the repeat in its file, from 0.
        repeats: how many there are of this object, itself among them.
        noisy: ``(X, Y, Z)`` float32, the 99.9th percentile of all repeats is 1.
        tissue: what is scored, a mask.
        sigma: of the noise, median over tissue.
        truth_variance: of the noise that the truth has, mean over tissue.
        correlation: autocorrelation of the noise ``(X, Y, Z)``, at lags from ``-L`` to ``L`` along each axis.
    """

    volume: Volume
    seed: int
    repeats: int
    noisy: np.ndarray
    tissue: np.ndarray
    sigma: float
    truth_variance: float
    correlation: np.ndarray
    kind = ""  # named in no table: as it was measured

    @property
    def level(self) -> float:
        """Sigma in percent."""
        return round(100 * self.sigma, 2)

    @property
    def clean(self) -> np.ndarray:
        """The truth, as of a simulated case."""
        return self.volume.clean

    @property
    def megavoxels(self) -> float:
        """Number of voxels, in millions."""
        return self.noisy.size / 1e6

    @cached_property
    def spectrum(self) -> np.ndarray:
        """Power of the noise at each frequency of `numpy.fft.fftn`, ``(X, Y, Z)`` float64, mean 1."""
        power = self.correlation.astype(np.complex128)
        for size in self.noisy.shape:  # each pass transforms the first axis and makes it the last
            lags = np.arange(power.shape[0]) - power.shape[0] // 2
            taper = 1 - np.abs(lags) / (len(lags) // 2 + 1)
            waves = np.exp(-2j * np.pi * np.outer(lags, np.arange(size)) / size)
            power = np.tensordot(power, taper[:, None] * waves, (0, 0))
        positive = np.maximum(power.real, _LEAST_POWER)
        return positive / positive.mean()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all voxels and of this module, which scores them."""
        content = self.noisy.tobytes() + self.clean.tobytes() + self.tissue.tobytes() + Path(__file__).read_bytes()
        return hashlib.sha256(content).hexdigest()

    def measure(
        self, denoised: np.ndarray, estimated_sigma: float | None = None, estimated_lag1: Sequence[float] | None = None
    ) -> dict[str, float]:
        """The scores by column of repeats.csv.

        ``gain`` in dB, ``sigma_ratio`` read over true; ``bias`` (mean error) and the root mean square errors of the
        denoised and the noisy repeat in units of sigma; the noise's correlation at lag 1; the number of repeats.
        """
        error, before = self._error(denoised), self._error(self.noisy)
        middle = tuple(size // 2 for size in self.correlation.shape)
        lag1 = [
            float(self.correlation[tuple(m + (axis == a) for a, m in enumerate(middle))]) if m else math.nan
            for axis, m in enumerate(middle)
        ]
        return {
            "gain": 10 * math.log10(before / error) if before > 0 and error > 0 else math.nan,
            "sigma_ratio": math.nan if estimated_sigma is None else estimated_sigma / self.sigma,
            "bias": float(np.mean((denoised - self.clean)[self.tissue], dtype=np.float64)) / self.sigma,
            "rmse": math.sqrt(max(error, 0)) / self.sigma,
            "rmse_noisy": math.sqrt(max(before, 0)) / self.sigma,
            **dict(zip(("lag1_x", "lag1_y", "lag1_z"), lag1, strict=True)),
            "repeats": self.repeats,
        }

    def _error(self, image: np.ndarray) -> float:
        difference = (image - self.clean)[self.tissue]
        return float(np.mean(np.square(difference, dtype=np.float64))) - self.truth_variance


def make_repeat_case(name: str, series: np.ndarray) -> RepeatCase:
    """The case of the middle one of several repeats, see the module for all definitions.

    Args:
        name: in all tables.
        series: magnitudes ``(N, X, Y, Z)`` of the same object, N of 2 or more.

    Raises:
        InputError: if they are equal, or have too few voxels above the noise.
    """
    series = series.astype(np.float32) / (np.percentile(series, 99.9) or 1.0)
    first, last = _longest_run(series)
    series = series[first:last]
    scored = (len(series) - 1) // 2
    mean = series.mean(axis=0)
    smooth = gaussian_filter(mean, (1, 1, 0))
    sigma = 0.0
    for _ in range(3):  # from the second time on over tissue above the noise
        tissue = np.minimum(mean, smooth) > max(_TISSUE, _SNR * sigma)
        if tissue.sum() < _FEWEST:
            raise InputError(f"{name}: fewer than {_FEWEST} voxels above {_SNR:g} sigma; give scans with less noise")
        aligned = _without_drift(series, scored, tissue)
        noise = np.diff(aligned, axis=0) / np.float32(math.sqrt(2))
        power = np.square(noise).mean(axis=0)
        variance = _smooth(power, tissue, _LOCAL)
        variance *= 1 + variance / (2 * np.maximum(smooth, _TISSUE) ** 2)  # of magnitudes, to that of the channels
        sigma = float(np.median(np.sqrt(variance[tissue])))
    if sigma == 0:
        raise InputError(f"{name}: its repeats are equal, without noise; give the scans as they were acquired")
    truth = np.delete(aligned, scored, axis=0).mean(axis=0) - variance / (2 * np.maximum(smooth, _SNR * sigma))
    return RepeatCase(
        volume=Volume(name, np.maximum(truth, 0), 0, truth.shape[2] - 1),
        seed=first + scored,
        repeats=len(series),
        noisy=np.ascontiguousarray(series[scored]),
        tissue=tissue,
        sigma=sigma,
        truth_variance=float(power[tissue].mean(dtype=np.float64)) / (len(series) - 1),
        correlation=_autocorrelation(noise / np.sqrt(np.maximum(variance, 1e-3 * sigma**2)), tissue),
    )


def _longest_run(series: np.ndarray) -> tuple[int, int]:
    """The first and one behind the last volume of the longest run without a change of structure.

    A change is a difference of neighbours that, smoothed so that noise averages out, has more than twice the power of
    the smallest such difference.
    """
    tissue = series.mean(axis=0) > _TISSUE

    def change(pair: np.ndarray) -> float:
        first, second = _without_drift(pair, 0, tissue)
        return float(np.mean(gaussian_filter(second - first, _STRUCTURE)[tissue] ** 2))

    changes = [change(series[number : number + 2]) for number in range(len(series) - 1)]
    best, start = (0, 1), 0
    for end, power in enumerate(changes, start=1):
        if power > _CHANGE * min(changes):
            start = end
        best = max(best, (start, end + 1), key=lambda run: run[1] - run[0])
    return best


def _without_drift(series: np.ndarray, scored: int, tissue: np.ndarray) -> np.ndarray:
    """``series`` with the smooth brightness of its volume ``scored``; unchanged far from tissue."""
    smooth = [np.maximum(gaussian_filter(np.where(tissue, one, 0), _DRIFT), 1e-6) for one in series]
    return np.stack([one * (smooth[scored] / own) for one, own in zip(series, smooth, strict=True)])


def _smooth(values: np.ndarray, where: np.ndarray, width: tuple[float, ...]) -> np.ndarray:
    """A local mean of the values ``where``; 0 far from there."""
    weights = gaussian_filter(where.astype(np.float32), width)
    return gaussian_filter(np.where(where, values, 0), width) / np.maximum(weights, 1e-6)


def _autocorrelation(noise: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Autocorrelation of volumes ``(N, X, Y, Z)`` from pairs of voxels that are both ``where``, 1 at lag 0."""
    lags = [min(_LAGS, size // 2) for size in where.shape]
    shape = [size + lag for size, lag in zip(where.shape, lags, strict=True)]

    def sums(volume: np.ndarray) -> np.ndarray:
        power = np.abs(np.fft.fftn(np.where(where, volume, 0), shape, axes=(0, 1, 2))) ** 2
        products = np.fft.fftshift(np.fft.ifftn(power).real)
        return products[tuple(slice(n // 2 - lag, n // 2 + lag + 1) for n, lag in zip(shape, lags, strict=True))]

    products = sum(sums(volume) for volume in noise) / np.maximum(sums(np.ones(where.shape)), 0.5)
    return products / products[tuple(lags)]
