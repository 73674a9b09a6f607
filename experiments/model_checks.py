"""Checks of a model beyond PSNR: noise-free scans, bias, the maps of sigma and uncertainty, residuals of real scans.

    python -m experiments.model_checks --volume SCAN ... [--slices 40] [--real SCAN]

Noise is added to clean scans; a real scan is taken as it is. Prints one line for each check.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from monai_unsup_denoise.benchmark.cases import find_sources, load_volume
from monai_unsup_denoise.benchmark.scores import (
    bias_by_band,
    foreground,
    gradient_correlation,
    psnr,
    residual_autocorrelation,
)
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings

LEVEL = 0.15
VARIATION = 2.0


def main() -> None:
    """Run every check on every scan."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--volume", action="append", default=[], help="clean scans, as in `mri-denoise benchmark`")
    parser.add_argument("--slices", default="all", help="of clean scans: FIRST-LAST, how many, or all")
    parser.add_argument("--real", action="append", default=[], type=Path, metavar="SCAN", help="a noisy scan")
    parser.add_argument("--model", type=Path, help="weights; by default those of the bundle")
    options = parser.parse_args()
    denoiser = Denoiser.from_bundle(model=options.model)
    for source in find_sources(options.volume):
        volume = load_volume(source, options.slices)
        for line in _lines(denoiser, volume.clean[..., volume.first : volume.last + 1]):
            print(f"{volume.name}: {line}", flush=True)
    for path in options.real:
        lag, gradient, percent = real_residual(denoiser, path)
        print(
            f"{path.name}: sigma {percent:.2f} % of the maximum, residual autocorrelation at lag 1 {lag:+.3f}, "
            f"correlation with the gradient {gradient:+.3f}"
        )


def _lines(denoiser: Denoiser, clean: np.ndarray) -> Iterator[str]:
    yield f"noise-free: PSNR {noise_free_psnr(denoiser, clean):.1f} dB"
    yield f"bias by band at 15 %, in sigma: {' '.join(f'{b:+.3f}' for b in bias(denoiser, clean))}"
    yield (
        "sigma map, noise twofold across the head: error {:.1%} at the median, {:.1%} at the 95th percentile, "
        "{:.1%} at most".format(*sigma_map_error(denoiser, clean))
    )
    yield f"uncertainty map at 15 %: expected error / true error {calibration(denoiser, clean):.2f}"


def noise_free_psnr(denoiser: Denoiser, clean: np.ndarray) -> float:
    """PSNR of a scan without noise after denoising."""
    return psnr(denoiser.denoise_image(denoiser.wrap(clean)).denoised, clean)


def bias(denoiser: Denoiser, clean: np.ndarray, *, level: float = LEVEL) -> list[float]:
    """Mean error by band of the true intensity, in units of sigma."""
    noisy = _with_noise(clean, torch.tensor(level))
    return bias_by_band(denoiser.denoise_image(denoiser.wrap(noisy)).denoised, clean, level)


def sigma_map_error(denoiser: Denoiser, clean: np.ndarray) -> tuple[float, float, float]:
    """Relative error of the sigma map in tissue: median, 95th percentile and maximum.

    Sigma doubles from the left to the right of the head, as with a surface coil.
    """
    head = np.flatnonzero(foreground(clean).any(axis=(1, 2)))
    place = (np.arange(clean.shape[0]) - head[0]) / (head[-1] - head[0])
    truth = LEVEL * VARIATION ** (place.clip(0, 1) - 0.5)[:, None, None]
    truth = np.broadcast_to(truth, clean.shape).astype(np.float32)
    image = denoiser.wrap(_with_noise(clean, torch.from_numpy(truth.copy())))
    estimate = denoiser.denoise_image(image, DenoiseSettings(varying_noise=True, maps=("sigma",))).maps["sigma"]
    error = np.abs(estimate / truth - 1)[foreground(clean)]
    return float(np.median(error)), float(np.percentile(error, 95)), float(error.max())


def calibration(denoiser: Denoiser, clean: np.ndarray, *, level: float = LEVEL) -> float:
    """Root mean square of the uncertainty map over that of the error, in tissue; 1 is calibrated."""
    image = denoiser.wrap(_with_noise(clean, torch.tensor(level)))
    volume = denoiser.denoise_image(image, DenoiseSettings(maps=("uncertainty",)))
    tissue = foreground(clean)
    expected, error = volume.maps["uncertainty"][tissue], (volume.denoised - clean)[tissue]
    return float(np.sqrt(np.mean(expected**2, dtype=np.float64) / np.mean(error**2, dtype=np.float64)))


def real_residual(denoiser: Denoiser, path: Path) -> tuple[float, float, float]:
    """Of a real scan: autocorrelation of the residual at lag 1, its correlation with the gradient, sigma in percent.

    Both correlations are inside the head; the gradient is that of the denoised scan.
    """
    volume = denoiser.denoise(path)
    maximum = float(np.percentile(volume.denoised, 99.9))
    noisy, denoised = volume.noisy / maximum, volume.denoised / maximum
    head = foreground(denoised)
    residual = noisy - denoised
    lag = residual_autocorrelation(residual, head, lags=[1])[0]
    return lag, gradient_correlation(residual, denoised, head), float(volume.sigma_percent or np.nan)


def _with_noise(clean: np.ndarray, sigma: torch.Tensor) -> np.ndarray:
    return add_rician_noise(torch.from_numpy(clean), sigma, generator=torch.Generator().manual_seed(0)).numpy()


if __name__ == "__main__":
    main()
