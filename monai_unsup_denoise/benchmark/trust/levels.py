"""The error before and after denoising, from hardly any noise to much, and of a scan without noise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from monai_unsup_denoise.benchmark.cases import Source, Volume, load_volume
from monai_unsup_denoise.benchmark.noise_kinds import KindCase
from monai_unsup_denoise.benchmark.scores import psnr
from monai_unsup_denoise.benchmark.trust.quantities import nrmse_ratio
from monai_unsup_denoise.benchmark.trust.scene import Denoise, Finding
from monai_unsup_denoise.data import phantom_datalist

CONTRASTS = ("T1w", "PDw", "T2w")
LEVELS = (0.5, 1.0, 3.0, 10.0, 20.0)  # percent
_SUBJECT = 61  # in no training set
_SLICES = 16


def load_slabs() -> dict[str, Volume]:
    """The middle slices of a scan of each contrast."""
    items = phantom_datalist(None, [_SUBJECT], contrasts=CONTRASTS, progress=False)
    sources = {item["contrast"]: Source(f"{item['contrast']}_{_SUBJECT}", Path(item["image"])) for item in items}
    return {contrast: load_volume(source, str(_SLICES)) for contrast, source in sources.items()}


def measure_levels(slabs: Mapping[str, Volume], denoise: Denoise, *, kind: str) -> list[Finding]:
    """`nrmse_ratio` of each contrast at each level; for white noise also the PSNR of a scan without noise, in dB."""
    findings = []
    for contrast, volume in slabs.items():
        for level in LEVELS:
            case = KindCase(volume, level, 0, kind)
            clean, noisy = case.clean, case.noisy
            ratio = nrmse_ratio(clean, noisy, denoise(noisy, case.sigma, case.spectrum))
            findings.append(Finding("NRMSE after / before", f"{contrast}, {level:g} %", ratio))
        if kind == "white":
            findings.append(Finding("PSNR without noise", contrast, psnr(denoise(clean, 0.0, None), clean)))
    return findings
