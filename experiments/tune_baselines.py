"""Tune the parameters of Gaussian blur and anisotropic diffusion on phantoms, never on volumes of a benchmark.

    python -m experiments.tune_baselines

writes `baselines/parameters.json` in the package: for each method and noise level the parameters with the highest PSNR
over the whole volume, mean of the T1w and PDw phantoms of a validation subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import nibabel
import numpy as np
import torch
from tqdm import tqdm

from monai_unsup_denoise.benchmark.baselines.diffusion import diffuse, remove_bias
from monai_unsup_denoise.benchmark.baselines.gaussian import GaussianBlur
from monai_unsup_denoise.benchmark.baselines.tuned import PARAMETERS
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.functional import add_rician_noise

SUBJECT = 10
SLICES = 24  # of the middle
PERCENT = (1, 3, 5, 10, 15, 20, 25, 30)
WIDTHS = tuple(round(0.1 * n, 1) for n in range(2, 21))  # voxels
CONDUCTANCES = (1.5, 2.0, 3.0, 4.0)
ITERATIONS = (1, 2, 3, 4, 6, 8, 12, 16, 20, 24)

Candidate = tuple[str, dict[str, Any], np.ndarray]


def main() -> None:
    """Tune all methods at all levels and write `parameters.json`; minutes."""
    chosen: dict[str, dict[str, dict[str, Any]]] = {"gaussian": {}, "adf": {}, "adf_unbiased": {}}
    volumes = list(_phantoms())
    for percent in tqdm(PERCENT, desc="tuning", unit="level"):
        for method, parameters in best_parameters(volumes, percent / 100).items():
            chosen[method][str(percent)] = parameters
    with atomic_write(PARAMETERS) as partial:
        partial.write_text(json.dumps(chosen, indent=2) + "\n", encoding="utf-8")


def best_parameters(volumes: list[np.ndarray], sigma: float) -> dict[str, dict[str, Any]]:
    """For each method the parameters with the highest mean PSNR over clean `volumes` with noise of level `sigma`."""
    scores: dict[tuple[str, str], float] = {}
    for seed, clean in enumerate(volumes):
        generator = torch.Generator().manual_seed(seed)
        noisy = add_rician_noise(torch.from_numpy(clean), sigma, generator=generator).numpy()
        for method, parameters, denoised in _candidates(noisy, sigma):
            key = method, json.dumps(parameters)
            scores[key] = scores.get(key, 0.0) + psnr(denoised, clean)
    best: dict[str, dict[str, Any]] = {}
    for method, text in sorted(scores, key=lambda key: scores[key]):  # the last one of a method stays
        best[method] = json.loads(text)
    return best


def _candidates(noisy: np.ndarray, sigma: float) -> Iterator[Candidate]:
    for width in WIDTHS:
        yield "gaussian", {"width": width}, GaussianBlur(width)(noisy, sigma)
    for conductance in CONDUCTANCES:
        diffused, done = noisy, 0
        for iterations in ITERATIONS:
            diffused = diffuse(diffused, conductance=conductance, iterations=iterations - done)
            done = iterations
            parameters = {"conductance": conductance, "iterations": iterations}
            yield "adf", parameters, diffused
            yield "adf_unbiased", parameters, _remove_bias_fast(diffused, sigma)


def _remove_bias_fast(diffused: np.ndarray, sigma: float) -> np.ndarray:
    """`remove_bias` by interpolation in a table; voxel by voxel it would take most of the time."""
    means = np.linspace(0, diffused.max(), 10_000, dtype=np.float32)
    return np.interp(diffused, means, remove_bias(means, sigma))


def _phantoms() -> Iterator[np.ndarray]:
    """The middle slices of each phantom, maximum 1."""
    for item in phantom_datalist(None, [SUBJECT], contrasts=("T1w", "PDw")):
        volume = np.asarray(nibabel.nifti1.load(item["image"]).get_fdata(dtype=np.float32))
        start = (volume.shape[2] - SLICES) // 2
        slab = volume[:, :, start : start + SLICES]
        yield np.ascontiguousarray(slab / slab.max())


if __name__ == "__main__":
    main()
