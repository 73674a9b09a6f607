"""The error before and after denoising, from hardly any noise to much, and of a scan without noise."""

from __future__ import annotations

import nibabel
import numpy as np

from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.benchmark.trust.quantities import nrmse_ratio
from monai_unsup_denoise.benchmark.trust.scene import Denoise, Finding, Scene
from monai_unsup_denoise.data import phantom_datalist

CONTRASTS = ("T1w", "PDw", "T2w")
LEVELS = (0.5, 1.0, 3.0, 10.0, 20.0)  # percent
_SUBJECT = 61  # in no training set
_SLICES = 16


def load_slabs() -> dict[str, np.ndarray]:
    """The middle slices of a scan of each contrast, ``(X, Y, Z)`` float32, maximum 1."""
    slabs = {}
    for item in phantom_datalist(None, [_SUBJECT], contrasts=CONTRASTS, progress=False):
        volume = np.asarray(nibabel.Nifti1Image.from_filename(item["image"]).dataobj, dtype=np.float32)
        first = (volume.shape[2] - _SLICES) // 2
        slabs[item["contrast"]] = np.ascontiguousarray(volume[:, :, first : first + _SLICES]) / volume.max()
    return slabs


def measure_levels(slabs: dict[str, np.ndarray], denoise: Denoise, *, kind: str) -> list[Finding]:
    """`nrmse_ratio` of each contrast at each level; for white noise also the PSNR of a scan without noise, in dB."""
    findings = []
    for contrast, clean in slabs.items():
        for level in LEVELS:
            scene = Scene(f"{contrast}_{_SUBJECT}", {"plain": clean}, level, kind)
            noisy = scene.noisy("plain")
            ratio = nrmse_ratio(clean, noisy, denoise(noisy, scene.sigma, scene.spectrum))
            findings.append(Finding("NRMSE after / before", f"{contrast}, {level:g} %", ratio, 1))
        if kind == "white":
            findings.append(Finding("PSNR without noise", contrast, psnr(denoise(clean, 0.0, None), clean), 1))
    return findings
