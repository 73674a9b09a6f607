"""What is asked of the model beyond PSNR: noise that varies, scans without noise, air, real scans.

    python -m experiments.model_checks --volume SCAN ... [--slices 40] [--real SCAN]

Clean scans get noise here; a real scan is taken as it is. Prints one line for each question.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from pydoc import locate
from typing import Any

import numpy as np
import torch

from monai_unsup_denoise.benchmark.scores import (
    bias_by_band,
    foreground,
    gradient_correlation,
    psnr,
    residual_autocorrelation,
)
from monai_unsup_denoise.benchmark.volumes import find_sources, load_volume
from monai_unsup_denoise.functional import add_rician_noise

DENOISER = "monai_unsup_denoise.inference.Denoiser"  # by name, as the benchmark's methods are
LEVEL = 0.15
VARIATION = 2.0


def main() -> None:
    """Answer every question for every scan."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--volume", action="append", default=[], help="clean scans, as in `mri-denoise benchmark`")
    parser.add_argument("--slices", default="all", help="of clean scans: FIRST-LAST, how many, or all")
    parser.add_argument("--real", action="append", default=[], type=Path, metavar="SCAN", help="a noisy scan")
    parser.add_argument("--model", type=Path, help="weights; else the bundle's")
    options = parser.parse_args()
    made: Any = locate(DENOISER)
    denoiser = made(model=options.model)
    varying = made(model=options.model, settings={"varying_noise": True})
    for source in find_sources(options.volume):
        volume = load_volume(source, options.slices)
        clean = volume.clean[..., volume.first : volume.last + 1]
        for line in _answers(denoiser, varying, clean):
            print(f"{volume.name}: {line}", flush=True)
    for path in options.real:
        lag, gradient, percent = real_residual(denoiser, path)
        print(
            f"{path.name}: sigma {percent:.2f} % of the maximum, residual autocorrelation at lag 1 {lag:+.3f}, "
            f"correlation with the gradient {gradient:+.3f}"
        )


def _answers(denoiser: Any, varying: Any, clean: np.ndarray) -> Iterator[str]:
    yield f"noise-free: PSNR {noise_free(denoiser, clean):.1f} dB"
    yield f"bias by band at 15 %, in sigma: {' '.join(f'{b:+.3f}' for b in bias(denoiser, clean))}"
    yield (
        "sigma map, noise twofold across the head: error {:.1%} at the median, {:.1%} at the 95th percentile, "
        "{:.1%} at most".format(*varying_noise(varying, clean))
    )
    yield f"uncertainty map at 15 %: error to expect / error found {calibration(denoiser, clean):.2f}"


def noise_free(denoiser: Any, clean: np.ndarray) -> float:
    """PSNR of a scan without noise after denoising."""
    return psnr(denoiser.denoise_image(denoiser.wrap(clean)).denoised, clean)


def bias(denoiser: Any, clean: np.ndarray, *, level: float = LEVEL) -> list[float]:
    """Mean error by band of the true intensity, in units of sigma."""
    noisy = _with_noise(clean, torch.tensor(level))
    return bias_by_band(denoiser.denoise_image(denoiser.wrap(noisy)).denoised, clean, level)


def varying_noise(denoiser: Any, clean: np.ndarray) -> tuple[float, float, float]:
    """Relative error of the sigma map where there is tissue: median, 95th percentile and maximum.

    The noise rises from the left to the right of the head by a factor of two, as beside a surface coil.
    """
    head = np.flatnonzero(foreground(clean).any(axis=(1, 2)))
    place = (np.arange(clean.shape[0]) - head[0]) / (head[-1] - head[0])
    truth = LEVEL * VARIATION ** (place.clip(0, 1) - 0.5)[:, None, None]
    truth = np.broadcast_to(truth, clean.shape).astype(np.float32)
    noisy = _with_noise(clean, torch.from_numpy(truth.copy()))
    found = denoiser.denoise_image(denoiser.wrap(noisy), ["sigma"]).maps["sigma"]
    error = np.abs(found / truth - 1)[foreground(clean)]
    return float(np.median(error)), float(np.percentile(error, 95)), float(error.max())


def calibration(denoiser: Any, clean: np.ndarray, *, level: float = LEVEL) -> float:
    """Root mean square of the uncertainty map over that of the error, where there is tissue; 1 is calibrated."""
    noisy = _with_noise(clean, torch.tensor(level))
    volume = denoiser.denoise_image(denoiser.wrap(noisy), ["uncertainty"])
    tissue = foreground(clean)
    expected, found = volume.maps["uncertainty"][tissue], (volume.denoised - clean)[tissue]
    return float(np.sqrt(np.mean(expected**2, dtype=np.float64) / np.mean(found**2, dtype=np.float64)))


def real_residual(denoiser: Any, path: Path) -> tuple[float, float, float]:
    """Of what was removed from a real scan: autocorrelation at lag 1, and correlation with the gradient; and sigma in
    percent. Both inside the head, the gradient that of the denoised scan."""
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
