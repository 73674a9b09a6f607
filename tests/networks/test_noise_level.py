"""The noise level of codes and maps of codes."""

import pytest
import torch

from monai_unsup_denoise.networks import NoiseLevel


@pytest.mark.parametrize("channels", [1, 4])
def test_sigma_is_exponential_in_the_code(channels):
    noise_level = NoiseLevel(channels, sigma=0.2, spread=0.5)
    codes = torch.linspace(-3, 3, 7)[:, None].expand(-1, channels)
    sigma = noise_level(codes)
    torch.testing.assert_close(sigma, 0.2 * torch.exp(0.5 * codes[:, 0]))
    assert (sigma.diff() > 0).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid", [(4, 5), (4, 5, 3)])
def test_sigma_of_a_map_is_that_of_each_code(channels, grid):
    noise_level = NoiseLevel(channels, sigma=0.2)
    torch.nn.init.normal_(noise_level.slope)
    codes = torch.randn(2, channels, *grid)
    sigma = noise_level(codes)
    assert sigma.shape == (2, *grid)
    one_by_one = codes.flatten(2).transpose(1, 2).reshape(-1, channels)
    torch.testing.assert_close(sigma.flatten(), noise_level(one_by_one))


FACTORS = {"one code": ((), ()), "a map": ((3, 4), (3, 4)), "a map, one factor per image": ((3, 4, 2), (1, 1, 1))}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid, factor_axes", FACTORS.values(), ids=FACTORS)
def test_scaled_code_is_the_nearest_with_the_scaled_sigma(channels, grid, factor_axes):
    noise_level = NoiseLevel(channels, sigma=0.2)
    torch.nn.init.normal_(noise_level.slope)
    codes, factor = torch.randn(2, channels, *grid), 0.5 + 2 * torch.rand(2, *factor_axes)
    scaled = noise_level.scale_sigma(codes, factor)
    assert scaled.shape == codes.shape
    torch.testing.assert_close(noise_level(scaled), factor * noise_level(codes))
    least = torch.linalg.pinv(noise_level.slope.detach()[None, :])[:, 0]  # the shortest step that raises log sigma by 1
    expected = torch.einsum("k,b...->bk...", least, factor.log()).expand_as(codes)
    torch.testing.assert_close(scaled - codes, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.jit.script(noise_level).scale_sigma(codes, factor), scaled)


def test_scaling_sigma_trains_no_parameter():
    noise_level = NoiseLevel(2)
    codes = torch.zeros(1, 2, requires_grad=True)
    noise_level.scale_sigma(codes, torch.tensor([2.0])).sum().backward()
    assert noise_level.slope.grad is None and noise_level.offset.grad is None
    torch.testing.assert_close(codes.grad, torch.ones(1, 2))
