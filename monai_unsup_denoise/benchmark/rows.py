"""A row of results.csv: one method on one case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from monai_unsup_denoise.benchmark.cases import Case
from monai_unsup_denoise.benchmark.methods import ResolvedMethod
from monai_unsup_denoise.benchmark.scores import (
    BANDS,
    LAGS,
    bias_by_band,
    foreground,
    gradient_correlation,
    psnr,
    residual_autocorrelation,
    ssim_2d,
    ssim_3d,
)
from monai_unsup_denoise.benchmark.worker_process import Denoised

Row = dict[str, Any]

OK = "ok"
BIAS_COLUMNS = tuple(f"bias_{round(100 * low):02d}_{round(100 * high):02d}" for low, high in BANDS)
LAG_COLUMNS = tuple(f"residual_lag{lag}" for lag in LAGS)
_SCORES = (
    *("psnr", "psnr_fg", "ssim_2d", "ssim_3d"),
    *BIAS_COLUMNS,
    "sigma_error",
    *LAG_COLUMNS,
    *("gradient_correlation", "seconds", "peak_mib"),
)
COLUMNS = ("volume", "level", "seed", "method", "given_sigma", "slices", *_SCORES, "versions", "status")


def scored_row(case: Case, prepared: ResolvedMethod, noisy: np.ndarray, denoised: Denoised) -> Row:
    """The row of a method that gave a result; a score without meaning is None."""
    clean, volume, residual = case.clean, denoised.volume, noisy - denoised.volume
    tissue = foreground(clean)
    found = denoised.estimated_sigma
    scores = {
        "psnr": _rounded(psnr(volume, clean), 4),
        "psnr_fg": _rounded(psnr(volume, clean, tissue), 4),
        "ssim_2d": _rounded(ssim_2d(volume, clean), 5),
        "ssim_3d": _rounded(ssim_3d(volume, clean), 5),
        **_columns(BIAS_COLUMNS, bias_by_band(volume, clean, case.sigma)),
        "sigma_error": None if found is None else _rounded(found / case.sigma - 1, 4),
        **_columns(LAG_COLUMNS, residual_autocorrelation(residual, tissue)),
        "gradient_correlation": _rounded(gradient_correlation(residual, clean, tissue), 4),
        "seconds": _rounded(denoised.seconds, 3),
        "peak_mib": _rounded(denoised.peak_mib, 1),
    }
    return _start(case, prepared) | scores | {"status": OK}


def failed_row(case: Case, prepared: ResolvedMethod, reason: str) -> Row:
    """The row of a method that gave none: its status says why in one clause, the scores are None."""
    return _start(case, prepared) | {"status": " ".join(reason.split())}


def results_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Rows as results.csv has them."""
    frame = pd.DataFrame([[row[name] for name in COLUMNS] for row in rows], columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(_SCORES, float))


def _start(case: Case, prepared: ResolvedMethod) -> Row:
    known = {
        "volume": case.volume.name,
        "level": int(case.level) if float(case.level).is_integer() else case.level,
        "seed": case.seed,
        "method": prepared.method.name,
        "given_sigma": "yes" if prepared.method.given_sigma else "no",
        "slices": case.volume.slices,
        "versions": prepared.versions,
    }
    return dict.fromkeys(COLUMNS) | known


def _columns(names: Sequence[str], values: Sequence[float]) -> Row:
    return {name: _rounded(value, 4) for name, value in zip(names, values, strict=True)}


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
