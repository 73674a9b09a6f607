"""Tissue means, contrast and volumes after denoising, against the truth."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion
from skimage.metrics import normalized_root_mse

from monai_unsup_denoise.benchmark.trust.places import CSF, GRAY, WHITE
from monai_unsup_denoise.benchmark.trust.scene import Finding
from monai_unsup_denoise.benchmark.trust.subjects import Slab

TISSUES = {"CSF": CSF, "grey matter": GRAY, "white matter": WHITE, "fat": 4}


def measure_means(slab: Slab, denoised: np.ndarray, *, contrast: str) -> list[Finding]:
    """Relative errors of tissue means, and of the contrast of grey and white matter, in groups named by ``contrast``.

    Means are over voxels whose neighbours have the same label.
    """
    before, after = (_means(image, slab.tissue) for image in (slab.clean, denoised))
    findings = [Finding("mean", f"{contrast}, {name}", after[name] / before[name] - 1) for name in before]
    differences = [abs(means["white matter"] - means["grey matter"]) for means in (before, after)]
    findings.append(Finding("contrast", f"{contrast}, grey and white matter", differences[1] / differences[0] - 1))
    return findings


def measure_volumes(slab: Slab, denoised: np.ndarray) -> list[Finding]:
    """Relative errors of the volumes of brain tissue by a fixed classifier, for a contrast in which tissues differ.

    Each voxel of the brain belongs to the tissue whose mean in the clean image is nearest, before and after.
    """
    means = _means(slab.clean, slab.tissue)
    names = [name for name in ("CSF", "grey matter", "white matter") if name in means]
    brain = np.isin(slab.tissue, (CSF, GRAY, WHITE))
    volumes = [_volumes(image[brain], [means[name] for name in names]) for image in (slab.clean, denoised)]
    return [
        Finding("volume", f"T1w, {name}", after / before - 1)
        for name, before, after in zip(names, *volumes, strict=True)
    ]


def nrmse_ratio(clean: np.ndarray, noisy: np.ndarray, denoised: np.ndarray) -> float:
    """Root mean square error after denoising over that before; below 1 where denoising helped."""
    return float(normalized_root_mse(clean, denoised) / normalized_root_mse(clean, noisy))


def _means(image: np.ndarray, tissue: np.ndarray) -> dict[str, float]:
    inner = {name: binary_erosion(tissue == label) for name, label in TISSUES.items()}
    return {name: float(image[mask].mean(dtype=np.float64)) for name, mask in inner.items() if mask.any()}


def _volumes(values: np.ndarray, means: list[float]) -> list[int]:
    """How many values are nearest to each mean."""
    nearest = np.abs(values[:, None] - np.asarray(means, dtype=values.dtype)).argmin(axis=1)
    return np.bincount(nearest, minlength=len(means)).tolist()
