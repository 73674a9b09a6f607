"""Signals of the phantom: they obey the signal equations and rank the tissues."""

import numpy as np
import pytest
import torch

from monai_unsup_denoise.data.phantom.acquisition import acquire
from monai_unsup_denoise.data.phantom.contrast import (
    BONE,
    CSF,
    FAT,
    GREY,
    TISSUES,
    WHITE,
    relaxation,
    spin_echo,
    spoiled_flash,
)


def test_signals_equal_a_bloch_simulation():
    tissue = relaxation()
    tr, flip = 18.0, np.deg2rad(30)
    longitudinal = np.ones(len(TISSUES))
    for _ in range(2000):  # spoiled: transverse magnetisation is gone before each pulse
        longitudinal = 1 + (longitudinal * np.cos(flip) - 1) * np.exp(-tr / tissue.t1)
    steady = tissue.density * longitudinal * np.sin(flip) * np.exp(-10 / tissue.t2_star)
    np.testing.assert_allclose(spoiled_flash(tissue, tr=tr, te=10, flip=30), steady, rtol=1e-6)

    recovered = tissue.density * (1 - np.exp(-3300 / tissue.t1))
    np.testing.assert_allclose(spin_echo(tissue, tr=3300, te=35), recovered * np.exp(-35 / tissue.t2), rtol=1e-12)


@pytest.mark.parametrize(
    ("contrast", "from_dark_to_bright"),
    [("T1w", (BONE, CSF, GREY, WHITE)), ("PDw", (BONE, WHITE, GREY)), ("T2w", (BONE, WHITE, GREY, CSF))],
)
def test_contrasts_rank_tissues_as_in_radiology(contrast, from_dark_to_bright):
    slabs = torch.zeros(len(TISSUES), 7 * len(TISSUES), 20, 20)
    slabs[0] = 1
    for label in range(1, len(TISSUES)):  # side by side, air around
        slabs[:, 7 * label : 7 * label + 7, 4:-4, 4:-4] = torch.eye(len(TISSUES))[label][:, None, None, None]
    fat_is_brightest = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        scan = acquire(slabs, np.eye(4), relaxation(rng), contrast=contrast, axis=2, thickness=1, rng=rng)
        means = [scan.image[scan.tissue == label].mean() for label in from_dark_to_bright]
        pairs = zip(means, means[1:], strict=False)
        assert all(darker < 1.01 * brighter for darker, brighter in pairs), f"seed {seed}: {means}"  # 1 %: texture
        assert (scan.image[scan.tissue == 0] == 0).all()
        fat_is_brightest.append(scan.image[scan.tissue == FAT].mean() > means[-1])
    if contrast == "T1w":
        assert 5 <= sum(fat_is_brightest) < 10, "but where it was suppressed"


def test_fat_is_partly_suppressed_in_some_scans(fractions, template):
    """Half the field of view fat, half white matter: PD-weighted, the ratio is about 1 where nothing is suppressed."""
    flat = torch.zeros_like(fractions)
    flat[FAT, : flat.shape[1] // 2] = flat[WHITE, flat.shape[1] // 2 :] = 1.0
    ratios = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scan = acquire(flat, template[1], relaxation(), contrast="PDw", axis=2, thickness=1, rng=rng)
        ratios.append(np.median(scan.image[scan.tissue == FAT]) / np.median(scan.image[scan.tissue == WHITE]))
    suppressed = np.array(ratios) < 0.85
    assert 5 < suppressed.sum() < 20, "three scans in ten"
    assert min(ratios) > 0.1, "never to nothing"
