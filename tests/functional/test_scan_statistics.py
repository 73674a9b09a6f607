"""Statistics of scans against values by hand."""

import numpy as np
import pytest

from monai_unsup_denoise.functional.scan_statistics import NAMES, scan_statistics


def named(image: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, scan_statistics(image), strict=True))


def ramp(shape: tuple[int, int, int], *, axis: int = 0) -> np.ndarray:
    """From 0.1 to 0.9 along an axis."""
    steps = np.linspace(0.1, 0.9, shape[axis])
    return np.broadcast_to(np.moveaxis(steps[:, None, None], 0, axis), shape).astype(np.float32)


def test_air_and_percentiles_are_those_of_the_whole_scan():
    image = np.zeros((300, 10, 10), np.float32)
    image[:200] = np.linspace(0.1, 1, 200)[:, None, None]
    found = named(image)
    assert found["air"] == pytest.approx(1 / 3)
    assert found["median"] == pytest.approx(0.55) and found["90th percentile"] == pytest.approx(0.91, abs=1e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slope_of_a_ramp(axis):
    found = named(ramp((41, 41, 41), axis=axis))
    assert np.exp(found["slope"]) == pytest.approx(0.02, rel=1e-3)
    assert found["weakest axis"] == found["middle axis"] == 0 and found["sparsity of edges"] == pytest.approx(
        0, abs=0.01
    )


def test_smoothing_takes_fine_detail_alone():
    rng = np.random.default_rng(0)
    fine, coarse = named(ramp((64, 64, 64)) + 0.1 * rng.random((64, 64, 64))), named(ramp((64, 64, 64)))
    assert fine["slope"] > coarse["slope"] + 0.5
    assert fine["slope over 4 voxels"] == pytest.approx(coarse["slope over 4 voxels"], abs=0.05)


def test_few_strong_edges_are_sparse():
    steps = np.where(np.arange(64) < 32, 0.2, 0.8)
    image = np.broadcast_to(steps[:, None, None], (64, 64, 64))
    assert named(image)["sparsity of edges"] == pytest.approx(np.log(32), abs=0.01)  # 2 of 64 slices have a slope


@pytest.mark.parametrize("image", [np.zeros((8, 8, 8)), np.ones((8, 8, 8)), np.ones((16, 16, 1))])
def test_even_images_have_finite_numbers(image):
    assert np.isfinite(scan_statistics(image)).all()
