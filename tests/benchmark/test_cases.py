"""The noise of a case: Rician, of its level, reproducible."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import rice

from monai_unsup_denoise.benchmark.cases import Case, Volume, make_cases
from monai_unsup_denoise.errors import InputError


def test_noise_is_rician_of_the_level():
    volume = Volume("background", np.zeros((40, 40, 40), dtype=np.float32), 0, 39)
    noisy = Case(volume, 15, 0).noisy
    assert noisy.dtype == np.float32
    grid = np.linspace(0.05, 0.5, 10)
    measured = np.searchsorted(np.sort(noisy.ravel()), grid) / noisy.size
    np.testing.assert_allclose(measured, rice.cdf(grid, 0, scale=0.15), atol=0.01)


def test_noise_does_not_depend_on_the_global_generator(volume):
    first = Case(volume, 15, 0).noisy
    torch.manual_seed(99)
    torch.rand(5)
    np.testing.assert_array_equal(Case(volume, 15.0, 0).noisy, first)


@pytest.mark.parametrize("change", ["level", "seed", "name"])
def test_noise_depends_on_level_seed_and_name(change, volume):
    other = {
        "level": Case(volume, 10, 0),
        "seed": Case(volume, 5, 1),
        "name": Case(replace(volume, name="other"), 5, 0),
    }[change]
    background = volume.clean == 0
    draws = [case.noisy[background] / case.sigma for case in (Case(volume, 5, 0), other)]
    assert abs(np.corrcoef(*draws)[0, 1]) < 0.1


def test_slice_has_the_same_noise_in_every_selection(volume):
    few = replace(volume, first=2, last=12)
    np.testing.assert_array_equal(Case(few, 5, 0).noisy, Case(volume, 5, 0).noisy[..., 2:13])
    np.testing.assert_array_equal(Case(few, 5, 0).clean, volume.clean[..., 2:13])
    assert Case(few, 5, 0).digest != Case(volume, 5, 0).digest


def test_cases_are_volumes_x_levels_x_seeds(volume):
    other = replace(volume, name="other")
    cases = make_cases([volume, other], [5, 12.5, 5], [0, 3])
    found = [(case.volume.name, case.level, case.seed) for case in cases]
    assert found == [(name, level, seed) for name in ("head", "other") for level in (5, 12.5) for seed in (0, 3)]
    assert cases[2].sigma == pytest.approx(0.125)


@pytest.mark.parametrize("level", [0, -5, 101, float("nan")])
def test_level_outside_0_to_100_is_refused(level, volume):
    with pytest.raises(InputError, match="--level .*: must be above 0"):
        make_cases([volume], [5, level], [0])
