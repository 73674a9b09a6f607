"""A frame like results.csv: what six methods reached on BrainWeb T1w in a trial."""

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.methods import DenoisingMethod

LEVELS = (5, 10, 15, 20, 25, 30)
TITLES = {
    "noisy": "Noisy",
    "adf_unbiased": "ADF, bias removed",
    "nlmeans": "DIPY nlmeans",
    "sanlm": "SANLM",
    "ants": "ANTs",
    "bm4d_vst": "BM4D + VST",
}
GIVEN_SIGMA = ("adf_unbiased", "nlmeans", "bm4d_vst")
# PSNR whole / PSNR foreground / SSIM 3-D, by level
TRIAL = {
    "noisy": "25.0/26.1/.57 19.0/20.1/.38 15.4/16.6/.25 12.9/14.2/.18 11.0/12.2/.13 9.4/10.6/.09",
    "adf_unbiased": "32.0/31.5/.83 28.8/28.9/.72 26.8/27.3/.66 25.0/26.0/.61 23.5/24.8/.56 22.1/23.5/.52",
    "nlmeans": "33.5/33.4/.80 28.9/29.4/.69 25.8/26.6/.61 23.5/24.5/.53 21.6/22.5/.46 19.9/20.8/.40",
    "sanlm": "30.6/34.9/.74 24.6/30.5/.67 21.0/27.4/.60 18.4/24.6/.53 16.2/21.9/.46 14.5/19.6/.40",
    "ants": "28.7/32.3/.69 22.7/27.0/.58 19.1/23.3/.47 16.5/20.4/.38 14.4/18.0/.31 12.6/15.9/.25",
    "bm4d_vst": "37.2/36.4/.93 33.0/32.6/.86 30.5/30.2/.81 28.2/28.2/.75 26.6/26.6/.71 25.1/25.2/.65",
}
BIAS = {"noisy": (1.19, 1.00, 0.52, 0.30, 0.18, 0.09), "sanlm": (0.89, 0.45, 0.11, 0.08, 0.06, -0.19)}
BANDS = ("00_02", "02_10", "10_20", "20_35", "35_60", "60_100")


def row(method: str, level: float, scores: str, *, volume: str = "brainweb_t1w", seed: int = 0) -> dict[str, object]:
    """A row of results.csv; scores that the trial lacks are empty."""
    psnr, psnr_fg, ssim = (float(text) for text in scores.split("/"))
    bias = BIAS.get(method, (np.nan,) * len(BANDS)) if level == 15 else (np.nan,) * len(BANDS)
    return {
        **{"volume": volume, "level": level, "seed": seed, "method": method},
        **{"given_sigma": "yes" if method in GIVEN_SIGMA else "no", "slices": "70-109"},
        **{"psnr": psnr, "psnr_fg": psnr_fg, "ssim_2d": ssim - 0.01, "ssim_3d": ssim},
        **{f"bias_{band}": value for band, value in zip(BANDS, bias, strict=True)},
        "sigma_error": 0.008 if method == "sanlm" else np.nan,
        **{f"residual_lag{lag}": np.nan if method == "noisy" else 0.2 / lag for lag in (1, 2, 3, 4)},
        **{"gradient_correlation": 0.07, "seconds": level / 10, "peak_mib": 40.0},
        **{"versions": "bm4d 4.2.5" if method == "bm4d_vst" else np.nan, "status": "ok"},
    }


@pytest.fixture(scope="session")
def methods() -> list[DenoisingMethod]:
    """In the order of the tables."""
    return [DenoisingMethod(name, title, target="") for name, title in TITLES.items()]


@pytest.fixture(scope="session")
def as_measured() -> pd.DataFrame:
    """One volume, six levels, six methods, one seed."""
    return pd.DataFrame(
        [
            row(method, level, scores)
            for method, line in TRIAL.items()
            for level, scores in zip(LEVELS, line.split(), strict=True)
        ]
    )


@pytest.fixture
def trial(as_measured: pd.DataFrame) -> pd.DataFrame:
    """A copy to work on."""
    return as_measured.copy()


@pytest.fixture(scope="session")
def with_failures(as_measured: pd.DataFrame) -> pd.DataFrame:
    """The trial, with ANTs not installed and SANLM killed at 25 and 30 %."""
    frame = as_measured.copy()
    killed = (frame["method"] == "sanlm") & (frame["level"] >= 25)
    missing = frame["method"] == "ants"
    numbers = frame.columns[frame.columns.get_loc("psnr") : frame.columns.get_loc("peak_mib") + 1]
    frame.loc[killed | missing, numbers] = np.nan
    frame.loc[missing, "status"] = "not installed; make baselines"
    frame.loc[killed, "status"] = "killed (out of memory)."
    return frame


@pytest.fixture
def failed(with_failures: pd.DataFrame) -> pd.DataFrame:
    """A copy to work on."""
    return with_failures.copy()


@pytest.fixture(scope="session")
def find_images():
    """Images of a head of two tissues with 15 % noise, for three methods."""
    shape = (60, 72)
    x, y = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    clean = np.where(np.hypot(x, y) < 0.8, 1.0, 0.0) * (0.6 + 0.4 * np.sign(np.sin(9 * x) * np.sin(9 * y)))
    noise = 0.15 * np.random.default_rng(0).standard_normal((2, *shape))
    noisy = np.hypot(clean + noise[0], noise[1])
    denoised = {"adf_unbiased": 0.9 * clean, "bm4d_vst": clean + 0.01, "noisy": noisy}

    def find(volume, level, seed, method):
        if method not in denoised or level != 15:
            return None
        images = {"noisy": noisy, "denoised": denoised[method], "clean": clean}
        return {name: image.astype(np.float16) for name, image in images.items()}

    return find
