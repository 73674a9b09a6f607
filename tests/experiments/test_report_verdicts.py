"""The verdicts of reports on crops whose noise and truth are known."""

import numpy as np
from scipy.ndimage import gaussian_filter

from experiments.report_verdicts import RESULTS, count_verdicts
from experiments.uncertainty.crops import Crop


def crop(number: int) -> Crop:
    """Bright blobs and white noise, which was removed and nothing else."""
    rng = np.random.default_rng(number)
    blobs = gaussian_filter(rng.standard_normal((48, 48, 24)), 1.2)
    clean = (0.6 + blobs).clip(0.2).astype(np.float32)
    noisy = (clean + 0.02 * rng.standard_normal(clean.shape)).astype(np.float32)
    sigma, tissue = np.full_like(clean, 0.02), np.ones(clean.shape, np.uint8)
    return Crop(str(number), "white", 2.0, clean, noisy, clean, sigma, tissue, np.zeros(5, np.float32))


def test_shares_are_those_of_the_crops():
    table = count_verdicts(crop(number) for number in range(4)).set_index("result")
    assert list(table.index) == list(RESULTS) and (table.crops == 4).all()
    np.testing.assert_allclose(table[["good", "look", "bad"]].sum(axis=1), 1)
    assert table.loc["the truth", "good"] == 1
    assert table.loc["blurred by 1 voxel", "bad"] == 1
    assert table.loc["a third of the change", "look"] == 1
