"""Codes to train with: their levels are log-uniform, and all else is white noise of one coil."""

import math

import torch
from scipy.stats import kstest

from monai_unsup_denoise.losses.noise_codes import draw_codes, mean_code
from monai_unsup_denoise.networks import NoiseLevel


def test_drawn_levels_are_log_uniform():
    level = NoiseLevel()
    codes = draw_codes(level, (0.004, 0.4), like=torch.empty(3000, 1, 1, 1, 1))
    assert codes.shape == (3000, 5)
    logs = level(codes).log().numpy()
    assert kstest(logs, "uniform", args=(math.log(0.004), math.log(100))).pvalue > 0.01


def test_drawn_codes_are_of_white_noise_of_one_coil():
    level = NoiseLevel()
    codes = draw_codes(level, (0.1, 0.2), like=torch.empty(4, 1, 1, 1, 1))
    assert not level.correlation(codes).any()
    assert torch.equal(level.coils(codes), torch.ones(4))


def test_mean_of_a_map_is_that_over_the_image():
    codes = torch.randn(2, 5, 3, 4, 2)
    torch.testing.assert_close(mean_code(codes), codes.mean((2, 3, 4)))
    assert torch.equal(mean_code(codes[..., 0, 0, 0]), codes[..., 0, 0, 0])
