"""The report of one scan: a page that needs nothing but itself."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import center_of_mass

from monai_unsup_denoise.files import write_text
from monai_unsup_denoise.scan_report.content import ReportContent
from monai_unsup_denoise.scan_report.image_quality import Tissue, find_tissue, quality_numbers
from monai_unsup_denoise.scan_report.planes import Picture, Planes
from monai_unsup_denoise.scan_report.rendering import render
from monai_unsup_denoise.scan_report.residual_tests import ResidualTests, residual_tests
from monai_unsup_denoise.scan_report.verdicts import verdicts_on
from monai_unsup_denoise.scan_report.viewer import embedded, niivue, niivue_licence, viewer_step

_WHITEST = 99.5  # percentile of the denoised scan that is shown in white
_RANGE = 4.0  # sigma: from black to white of the residual, half of it on each side of gray
_QUALITY = {
    "SNR": "signal-to-noise ratio of the bright tissue class; high is good",
    "CNR": "contrast-to-noise ratio of the bright and the middle class; high is good",
    "CJV": "coefficient of joint variation of both classes; low is good",
    "EFC": "entropy-focus criterion: blur and ghosts; low is good",
    "FBER": "energy of the head over that of the air; high is good",
}


@dataclass(frozen=True)
class _Row:
    title: str
    text: str
    pictures: list[Picture]


def write_report(path: Path, content: ReportContent) -> None:
    """Write the report of a scan as one file of HTML, with pictures and viewer in it.

    Raises:
        InputError: if the disk refuses.
    """
    tests = None
    if content.sigma is not None:
        coils = content.noise.get("coils", 1)
        tests = residual_tests(content.noisy, content.denoised, content.sigma, coils=coils)
    tissue = find_tissue(content.denoised)
    before, after = quality_numbers(content.noisy, tissue), quality_numbers(content.denoised, tissue)
    verdicts = verdicts_on(content.noise, tests, content.notes)
    white = float(np.percentile(content.denoised, _WHITEST))
    planes = Planes(content.affine, _center(tissue))
    summary = {
        "name": content.name,
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "noise": dict(content.noise),
        "residual": None if tests is None else _finite(asdict(tests)),
        "quality": {"before": _finite(before), "after": _finite(after)},
    }
    page = render(
        "scan.html",
        report=content,
        summary=json.dumps(summary, allow_nan=False),
        verdicts=verdicts,
        pairs=list(zip(planes.draw(content.noisy, 0, white), planes.draw(content.denoised, 0, white), strict=True)),
        rows=_rows(content, planes, white),
        viewer=_volumes(content, white),
        viewer_step=viewer_step(content.noisy.size),
        niivue=niivue(),
        licence=niivue_licence(),
        noise_rows=_noise_rows(content),
        residual_rows=[] if tests is None else _residual_rows(content, tests),
        quality_rows=[(name, _number(before[name]), _number(after[name]), what) for name, what in _QUALITY.items()],
    )
    write_text(path, page)


def _center(tissue: Tissue) -> tuple[int, int, int]:
    """The voxel in the middle of the head; of the volume, where there is none."""
    if not tissue.head.any():
        x, y, z = (side // 2 for side in tissue.head.shape)
    else:
        x, y, z = (round(place) for place in center_of_mass(tissue.head))
    return x, y, z


def _half_range(content: ReportContent) -> float:
    """Where the residual becomes black or white, in scanner units."""
    sigma = content.noise["sigma"]
    return _RANGE * (float(content.removed.std()) if sigma is None else sigma) or 1.0


def _rows(content: ReportContent, planes: Planes, white: float) -> list[_Row]:
    half = _half_range(content)
    rows = [
        _Row(
            "Removed",
            f"Before minus after. Gray is 0, black {-half:.4g}, white {half:.4g}"
            + ("." if content.noise["sigma"] is None else f": {_RANGE:g} sigma."),
            planes.draw(content.removed, -half, half),
        )
    ]
    texts = {
        "sigma": ("Noise level", "Standard deviation of the noise in each voxel."),
        "uncertainty": ("Uncertainty", "The error that is left is smaller than this in 68 % of the voxels."),
    }
    for name, (title, text) in texts.items():
        if name in content.maps and np.ptp(content.maps[name]) > 0:  # a map of one value shows nothing
            high = float(np.percentile(content.maps[name], _WHITEST)) or 1.0
            pictures = planes.draw(content.maps[name], 0, high)
            rows.append(_Row(title, f"{text} Black is 0, white {high:.4g}, in the units of the scan.", pictures))
    return rows


def _volumes(content: ReportContent, white: float) -> list[dict[str, str]]:
    half = _half_range(content)
    shown = {
        "before": (content.noisy, 0.0, white),
        "after": (content.denoised, 0.0, white),
        "removed": (content.removed, -half, half),
    }
    if "uncertainty" in content.maps:
        high = float(np.percentile(content.maps["uncertainty"], _WHITEST))
        shown["uncertainty"] = (content.maps["uncertainty"], 0.0, high)
    return [
        {"title": title, "data": embedded(volume, content.affine, low, high)}
        for title, (volume, low, high) in shown.items()
    ]


def _noise_rows(content: ReportContent) -> list[tuple[str, str]]:
    noise = content.noise
    clipped = [("Negative or NaN voxels set to 0", f"{noise['clipped_voxels']:,}")] if "clipped_voxels" in noise else []
    if noise["sigma"] is None:
        return [("Noise level", "not estimated by this model"), *clipped]
    percent = "" if noise["sigma_percent"] is None else f", {noise['sigma_percent']:.1f} % of the maximum"
    along = ", ".join(f"{value:.2f}" for value in noise["correlation"])
    rows = [
        ("Noise level (sigma)", f"{noise['sigma']:.4g}{percent}"),
        ("Expected error of sigma", f"{noise['sigma_error_percent']:.0f} %"),
        ("Varies over the volume", "yes; sigma is the median over tissue" if noise["varying_noise"] else "no"),
        ("Correlation of neighbours along x, y, z", along),
    ]
    if "coils" in noise:
        rows.append(("Coils combined by sum of squares", f"about {noise['coils']}"))
    if "change_percent" in noise:
        rows.append(("Share of the change that was made", f"{noise['change_percent']} %"))
    if "strength" in noise:
        rows.append(("Strength that was chosen", f"{noise['strength']:g}"))
    return rows + clipped


def _residual_rows(content: ReportContent, tests: ResidualTests) -> list[tuple[str, str, str]]:
    along = zip("xyz", tests.autocorrelation, content.noise["correlation"], strict=True)
    return [
        ("standard deviation, in sigma", _number(tests.spread), "1"),
        *((f"correlation of neighbours along {axis}", _number(found), _number(noise)) for axis, found, noise in along),
        ("correlation of its magnitude with edges", _number(tests.edges), "0"),
        ("correlation with bright and dark detail", _number(tests.detail), "0"),
    ]


def _number(value: float) -> str:
    if math.isnan(value):
        return "–"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _finite(numbers: dict[str, Any]) -> dict[str, Any]:
    """With None in place of NaN, which JSON does not have."""
    return {
        name: [*map(_or_none, value)] if isinstance(value, tuple) else _or_none(value)
        for name, value in numbers.items()
    }


def _or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None
