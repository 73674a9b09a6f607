"""Tissue means, contrast and volumes after denoising, against the truth."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion
from skimage.metrics import normalized_root_mse

from monai_unsup_denoise.benchmark.trust.places import CSF, GRAY, WHITE
from monai_unsup_denoise.benchmark.trust.scene import Finding

TISSUES = {"CSF": CSF, "grey matter": GRAY, "white matter": WHITE, "fat": 4}


def measure_quantities(clean: np.ndarray, denoised: np.ndarray, tissue: np.ndarray) -> list[Finding]:
    """Relative errors of tissue means, of the contrast of grey and white matter, and of the volumes of brain tissue.

    Means are over voxels whose neighbours have the same label. Volumes are those of a fixed classifier of the brain:
    each voxel belongs to the tissue whose mean in the clean image is nearest, before and after.
    """
    inner = {name: binary_erosion(tissue == label) for name, label in TISSUES.items()}
    inner = {name: mask for name, mask in inner.items() if mask.any()}
    before = {name: float(clean[mask].mean(dtype=np.float64)) for name, mask in inner.items()}
    after = {name: float(denoised[mask].mean(dtype=np.float64)) for name, mask in inner.items()}
    findings = [Finding("mean", name, after[name] / before[name] - 1) for name, mask in inner.items()]
    contrasts = [abs(means["white matter"] - means["grey matter"]) for means in (before, after)]
    findings.append(Finding("contrast", "grey and white matter", contrasts[1] / contrasts[0] - 1))
    brain = np.isin(tissue, (CSF, GRAY, WHITE))
    names = [name for name in ("CSF", "grey matter", "white matter") if name in before]
    volumes = [_volumes(image[brain], [before[name] for name in names]) for image in (clean, denoised)]
    for name, one, other in zip(names, *volumes, strict=True):
        findings.append(Finding("volume", name, other / one - 1))
    return findings


def nrmse_ratio(clean: np.ndarray, noisy: np.ndarray, denoised: np.ndarray) -> float:
    """Root mean square error after denoising over that before; below 1 where denoising helped."""
    return float(normalized_root_mse(clean, denoised) / normalized_root_mse(clean, noisy))


def _volumes(values: np.ndarray, means: list[float]) -> list[int]:
    """How many values are nearest to each mean."""
    nearest = np.abs(values[:, None] - np.asarray(means, dtype=values.dtype)).argmin(axis=1)
    return np.bincount(nearest, minlength=len(means)).tolist()
