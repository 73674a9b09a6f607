"""What codes and maps of codes stand for."""

import pytest
import torch

from monai_unsup_denoise.networks import NoiseLevel


@pytest.mark.parametrize("channels", [1, 5])
def test_sigma_is_exponential_in_the_first_entry(channels):
    noise_level = NoiseLevel(sigma=0.2, spread=0.5)
    codes = torch.linspace(-3, 3, 7)[:, None].expand(-1, channels)
    sigma = noise_level(codes)
    torch.testing.assert_close(sigma, 0.2 * torch.exp(0.5 * codes[:, 0]))
    assert torch.equal(noise_level(torch.cat([codes[:, :1], torch.randn(7, 4)], dim=1)), sigma)


@pytest.mark.parametrize("grid", [(4, 5), (4, 5, 3)])
def test_sigma_of_a_map_is_that_of_each_code(grid):
    noise_level = NoiseLevel(sigma=0.2)
    codes = torch.randn(2, 5, *grid)
    sigma = noise_level(codes)
    assert sigma.shape == (2, *grid)
    one_by_one = codes.flatten(2).transpose(1, 2).reshape(-1, 5)
    torch.testing.assert_close(sigma.flatten(), noise_level(one_by_one))


FACTORS = {"one code": ((), ()), "a map": ((3, 4), (3, 4)), "a map, one factor per image": ((3, 4, 2), (1, 1, 1))}


@pytest.mark.parametrize("channels", [1, 5])
@pytest.mark.parametrize("grid, factor_axes", FACTORS.values(), ids=FACTORS)
def test_scaled_code_has_the_scaled_sigma_and_nothing_else(channels, grid, factor_axes):
    noise_level = NoiseLevel(sigma=0.2)
    codes, factor = torch.randn(2, channels, *grid), 0.5 + 2 * torch.rand(2, *factor_axes)
    scaled = noise_level.scale_sigma(codes, factor)
    assert scaled.shape == codes.shape
    torch.testing.assert_close(noise_level(scaled), factor * noise_level(codes))
    assert torch.equal(scaled[:, 1:], codes[:, 1:])
    torch.testing.assert_close(torch.jit.script(noise_level).scale_sigma(codes, factor), scaled)


@pytest.mark.parametrize("axes", [(), (2, 3, 4)], ids=["one level", "a map"])
def test_code_of_known_noise_is_read_back(axes):
    noise_level = NoiseLevel(sigma=0.04, spread=0.5)
    sigma, correlation, coils = 0.01 + torch.rand(2, *axes), 2 * torch.rand(2, 3) - 1, torch.tensor([1.0, 8.0])
    code = noise_level.code_of(sigma, correlation, coils)
    assert code.shape == (2, 5, *axes)
    torch.testing.assert_close(noise_level(code), sigma)
    of_image = code.flatten(2).mean(-1) if axes else code
    torch.testing.assert_close(noise_level.correlation(of_image), correlation)
    torch.testing.assert_close(noise_level.coils(of_image), coils)
    torch.testing.assert_close(of_image[:, 4], torch.tensor([0.0, 1.5]))  # half of log2


def test_correlation_and_coils_stay_within_their_ranges():
    noise_level = NoiseLevel()
    code = torch.tensor([[0.0, 3.0, -3.0, 0.5, -1.0]])
    torch.testing.assert_close(noise_level.correlation(code), torch.tensor([[1.0, -1.0, 0.25]]))
    assert noise_level.coils(code).item() == 1
    short = torch.zeros(2, 1)  # a code that has the level alone
    assert torch.equal(noise_level.correlation(short), torch.zeros(2, 3))
    assert torch.equal(noise_level.coils(short), torch.ones(2))
