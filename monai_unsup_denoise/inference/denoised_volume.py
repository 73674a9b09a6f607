"""A scan before and after denoising."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

_SEVERAL = 1.5  # coils, from which their number is reported


@dataclass(frozen=True)
class DenoisedVolume:
    """Arrays ``(X, Y, Z)`` or ``(X, Y, Z, T)`` as the axes lie in the file, float32, in scanner units.

    Attributes:
        noisy: the scan as it was read.
        denoised: the denoised scan.
        affine: from voxels to millimetres, right-anterior-superior, ``(4, 4)``.
        sigma: estimated standard deviation of the noise in each complex channel, in scanner units, the median over
            tissue where it varies; None where the model does not estimate it.
        sigma_error: expected error of sigma, relative to it.
        varying_noise: whether a map of the noise level was used.
        correlation: of the noise of neighbouring voxels, along each axis.
        correlated_noise: whether it is correlated along some axis.
        coils: number of coils whose images were combined by the root of the sum of squares, not rounded.
        sigma_is_sure: False where the expected error of sigma is large.
        share_of_change: by which the scan was changed, of what the model would change; see `NoiseEstimate`.
        strength: that the user chose, see `DenoiseSettings`.
        clipped_voxels: number of negative or NaN voxels of the scan that `CheckVolume` has set to 0.
        distance: from the scans that the model was trained on; above 1, few of those are as far from the others. None:
            unknown. See `KnownScans`.
        maps: the requested maps by name, of the same shape and units; that of sigma is always ``(X, Y, Z)``.
    """

    noisy: np.ndarray
    denoised: np.ndarray
    affine: np.ndarray
    sigma: float | None
    sigma_error: float = 0.0
    varying_noise: bool = False
    correlation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    correlated_noise: bool = False
    coils: float = 1.0
    sigma_is_sure: bool = True
    share_of_change: float = 1.0
    strength: float = 1.0
    clipped_voxels: int = 0
    distance: float | None = None
    maps: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def sigma_percent(self) -> float | None:
        """Sigma in percent of the maximum of the denoised scan, or None.

        The maximum is the 99.9th percentile, in the brightest volume: a few bright vessels do not count.
        """
        maximum = float(np.percentile(self.denoised, 99.9, axis=(0, 1, 2)).max())
        return None if self.sigma is None or maximum <= 0 else 100 * self.sigma / maximum

    def noise_report(self) -> dict[str, Any]:
        """The noise as sidecars and servers report it; what is usual is left out."""
        report: dict[str, Any] = {"sigma": self.sigma, "sigma_percent": self.sigma_percent}
        if self.sigma is not None:
            report["sigma_error_percent"] = 100 * self.sigma_error
            report |= {"varying_noise": self.varying_noise, "correlated_noise": self.correlated_noise}
            report["correlation"] = list(self.correlation)
        report |= {"coils": round(self.coils)} if self.coils > _SEVERAL else {}
        report |= {} if self.sigma_is_sure else {"sigma_is_sure": False}
        report |= {"change_percent": round(100 * self.share_of_change)} if self.share_of_change < 1 else {}
        report |= {"strength": self.strength} if self.strength < 1 else {}
        if self.distance is not None and self.distance > 1:
            report["distance"] = round(self.distance, 2)
        return report | ({"clipped_voxels": self.clipped_voxels} if self.clipped_voxels else {})


def report_of_series(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The number of volumes, and the noise report of the brightest, whose maximum is that of the scan."""
    brightest = min(reports, key=lambda report: report["sigma_percent"] or math.inf)
    clipped = sum(report.get("clipped_voxels", 0) for report in reports)
    return {"volumes": len(reports)} | dict(brightest) | ({"clipped_voxels": clipped} if clipped else {})


def stack_volumes(volumes: Sequence[DenoisedVolume]) -> DenoisedVolume:
    """Volumes ``(X, Y, Z)`` with one noise estimate as one scan ``(X, Y, Z, T)``."""
    maps = {name: values for volume in volumes for name, values in volume.maps.items()}
    for name in maps.keys() - {"sigma"}:
        maps[name] = np.stack([volume.maps[name] for volume in volumes], axis=-1)
    noisy = np.stack([volume.noisy for volume in volumes], axis=-1)
    denoised = np.stack([volume.denoised for volume in volumes], axis=-1)
    clipped = sum(volume.clipped_voxels for volume in volumes)
    distance = max((volume.distance for volume in volumes if volume.distance is not None), default=None)
    return replace(volumes[0], noisy=noisy, denoised=denoised, maps=maps, clipped_voxels=clipped, distance=distance)
