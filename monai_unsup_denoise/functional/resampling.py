"""Magnitude images that were resampled after the reconstruction: rotated, or with interpolated slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation
from torch import Tensor

_MARGIN = 3  # voxels of the scanner's grid around the image: the support of a cubic kernel
_STEPS = 32  # for each voxel of a table


@dataclass(frozen=True)
class Resampling:
    """Interpolation from the scanner's grid to that of the image.

    Attributes:
        degrees: of rotation about each of three axes; a 2-D image turns about the third.
        factors: voxels of the image for one of the scanner, for each axis; 2 along one axis doubles its slices.
        order: 1 for linear interpolation, 3 for cubic B-splines.

    Raises:
        ValueError: for other orders, and factors below 1.
    """

    degrees: tuple[float, float, float] = (0.0, 0.0, 0.0)
    factors: tuple[float, float, float] = (1.0, 1.0, 1.0)
    order: int = 1

    def __post_init__(self) -> None:
        if self.order not in (1, 3) or min(self.factors) < 1:
            raise ValueError(f"order must be 1 or 3, and no factor below 1, got {self}")

    def scanner_shape(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Shape of a grid of the scanner that covers an image of ``shape``."""
        return tuple(int(n) for n in 2 * self._scanner_centre(shape) + 1)

    def to_scanner(self, image: Tensor) -> Tensor:
        """Values of an image at the voxels of the scanner's grid, linear; constant beyond the image's border."""
        inverse = np.linalg.inv(self._matrix(image.dim()))
        offset = _centre(image.shape) - inverse @ self._scanner_centre(image.shape)
        values = image.detach().cpu().numpy()
        shape = self.scanner_shape(image.shape)
        out = affine_transform(values, inverse, offset, output_shape=shape, order=1, mode="nearest")
        return torch.from_numpy(out).to(image.device)

    def to_image(self, values: Tensor, shape: Sequence[int]) -> Tensor:
        """Interpolate values on the scanner's grid at the voxels of an image of ``shape``."""
        matrix = self._matrix(len(shape))
        offset = self._scanner_centre(shape) - matrix @ _centre(shape)
        out = affine_transform(
            values.detach().cpu().numpy(), matrix, offset, output_shape=tuple(shape), order=self.order, mode="grid-wrap"
        )
        return torch.from_numpy(out).to(values.device)

    def variance(self, shape: Sequence[int], autocorrelations: Sequence[Tensor]) -> Tensor:
        """Variance after interpolation of noise of variance 1, at each voxel of an image of ``shape``, float32.

        Args:
            shape: of the image.
            autocorrelations: of the noise on the scanner's grid, one for each axis, as of ``KSpaceWindow``.
        """
        voxels = np.meshgrid(*map(np.arange, shape), indexing="ij", sparse=True)
        knots = np.linspace(0, 1, 4 * _STEPS + 1)
        result = np.ones(tuple(shape))
        for x, r in zip(self._positions(shape, voxels), self._of_coefficients(autocorrelations), strict=True):
            result *= np.interp(x % 1, knots, _covariance(knots, knots, r, self.order).real)
        return torch.from_numpy(result.astype(np.float32))

    def covariance(
        self, shape: Sequence[int], autocorrelations: Sequence[Tensor], lags: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Covariance of voxels after interpolation, averaged over an image of ``shape``; variance 1 before.

        Args:
            shape, autocorrelations: as for ``variance``.
            lags: distances of the two voxels along each axis, arrays that broadcast.
        """
        total = np.ones(np.broadcast_shapes(*map(np.shape, lags)), complex)
        rows = self._matrix(len(shape))
        for row, r in zip(rows, self._of_coefficients(autocorrelations), strict=True):
            distance = reduce(np.add, (weight * lag for weight, lag in zip(row, lags, strict=True) if weight))
            phases, counts = np.arange(0, 1, 1 / 16), None  # all occur along an axis that is not kept
            if np.count_nonzero(row) == 1:
                axis = int(np.flatnonzero(row)[0])
                moved = row[axis] * (np.arange(shape[axis]) - _centre(shape)[axis])
                phases, counts = np.unique((moved % 1).round(6), return_counts=True)
            first, last = np.floor(np.min(distance)), np.ceil(np.max(distance))
            knots = np.linspace(first, last, int(last - first) * _STEPS + 1)
            table = _covariance(phases[:, None], phases[:, None] + knots, r, self.order)
            total *= np.interp(distance, knots, np.average(table, axis=0, weights=counts))
        return total.real

    def _matrix(self, dimensions: int) -> np.ndarray:
        rotation = Rotation.from_euler("xyz", self.degrees, degrees=True).as_matrix()
        matrix = np.diag(1 / np.asarray(self.factors)) @ rotation
        return matrix[:dimensions, :dimensions].round(12)  # an axis that does not turn has zeros, not 1e-17

    def _scanner_centre(self, shape: Sequence[int]) -> np.ndarray:
        reach = np.abs(self._matrix(len(shape))) @ _centre(shape)
        return np.ceil(reach - 1e-6) + _MARGIN

    def _positions(self, shape: Sequence[int], voxels: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Coordinates of voxels in the scanner's grid; an axis that is not rotated keeps the shape of its index."""
        moved = [index - centre for index, centre in zip(voxels, _centre(shape), strict=True)]
        rows = zip(self._matrix(len(shape)), self._scanner_centre(shape), strict=True)
        return [reduce(np.add, (w * v for w, v in zip(row, moved, strict=True) if w), start) for row, start in rows]

    def _of_coefficients(self, autocorrelations: Sequence[Tensor]) -> list[np.ndarray]:
        """Autocorrelations of what the kernel weights: the values, or the coefficients of their cubic splines."""
        result = [r.numpy() for r in autocorrelations]
        if self.order == 1:
            return result
        sampled = [(2 + np.cos(2 * np.pi * np.fft.fftfreq(len(r)))) / 3 for r in result]  # a B-spline's spectrum
        return [np.fft.ifft(np.fft.fft(r) / b**2) for r, b in zip(result, sampled, strict=True)]


def _centre(shape: Sequence[int]) -> np.ndarray:
    return np.asarray(shape) // 2


def _covariance(x: np.ndarray, y: np.ndarray, r: np.ndarray, order: int) -> np.ndarray:
    """Covariance of interpolated values at ``x`` and ``y`` along one axis of autocorrelation ``r``, complex."""
    offsets = range(2) if order == 1 else range(-1, 3)
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)), complex)
    for i in offsets:
        for j in offsets:
            lag = np.floor(y).astype(int) + j - np.floor(x).astype(int) - i
            total += _kernel(x % 1 - i, order) * _kernel(y % 1 - j, order) * r[lag % len(r)]
    return total


def _kernel(t: np.ndarray, order: int) -> np.ndarray:
    """The B-spline of order 1 or 3 at a distance ``t``."""
    t = np.abs(t)
    if order == 1:
        return np.maximum(1 - t, 0)
    return np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.maximum(2 - t, 0) ** 3 / 6)
