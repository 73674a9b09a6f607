"""The physics-guided generator: its noise has the moments of the Rician model."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom

from monai_unsup_denoise.networks import NoiseLevel, RicianGenerator

CODES = torch.tensor([[-1.0], [0.5], [2.0]])


def moments(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return image.flatten(1).mean(1), image.flatten(1).square().mean(1)


@pytest.mark.parametrize("shape", [(256, 256), (64, 64, 16)])
def test_background_mean_is_that_of_rayleigh_noise(shape):
    noise_level = NoiseLevel(sigma=0.1)
    noisy = RicianGenerator(noise_level)([torch.zeros(3, 1, *shape)], CODES)
    expected = noise_level(CODES) * math.sqrt(math.pi / 2)
    torch.testing.assert_close(moments(noisy)[0], expected, rtol=0.01, atol=0)


def test_second_moment_is_that_of_rician_noise():
    noise_level = NoiseLevel(sigma=0.1)
    noisy = RicianGenerator(noise_level)([torch.full((3, 1, 256, 256), 0.7)], CODES)
    torch.testing.assert_close(moments(noisy)[1], 0.49 + 2 * noise_level(CODES).square(), rtol=0.01, atol=0)


def local_sigma(noisy: torch.Tensor) -> torch.Tensor:
    """From the second moment in background: ``(B, *spatial)`` of many channels ``(B, C, *spatial)``."""
    return (noisy.square().mean(1) / 2).sqrt()


def interpolated(nodes: torch.Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """Linear between the centres of the nodes, constant beyond the outermost."""
    factors = [side / n for side, n in zip(shape, nodes.shape, strict=True)]
    return zoom(nodes.numpy(), factors, order=1, mode="nearest", grid_mode=True)


@pytest.mark.parametrize("grid, shape", [((3, 2), (12, 10)), ((2, 3, 2), (6, 7, 4))])
def test_code_map_is_interpolated_in_log_sigma(grid, shape):
    codes = torch.randn(2, 1, *grid)
    noisy = RicianGenerator(NoiseLevel(sigma=0.1, spread=0.7))([torch.zeros(2, 4096, *shape)], codes)
    for item, of_item in zip(0.7 * codes[:, 0], local_sigma(noisy), strict=True):
        expected = 0.1 * np.exp(interpolated(item, shape))
        assert expected.max() > 1.5 * expected.min()
        np.testing.assert_allclose(of_item.detach().numpy(), expected, rtol=0.04)


@pytest.mark.parametrize("shape", [(32, 32), (16, 16, 8)])
def test_single_code_gives_stationary_noise(shape):
    noisy = RicianGenerator(NoiseLevel(sigma=0.1))([torch.zeros(1, 1024, *shape)], torch.zeros(1, 1))
    sigma = local_sigma(noisy)
    torch.testing.assert_close(sigma, torch.full_like(sigma, 0.1), rtol=0.08, atol=0)
    torch.testing.assert_close(sigma.mean(), torch.tensor(0.1), rtol=0.005, atol=0)


@pytest.mark.parametrize("shape", [(16, 16), (8, 8, 8)])
def test_constant_code_map_equals_a_single_code(shape):
    generator, image = RicianGenerator(NoiseLevel(sigma=0.1)), torch.rand(3, 1, *shape)
    noisy = []
    for codes in (CODES, CODES.view(3, 1, *[1] * len(shape)).expand(-1, -1, *[2] * len(shape))):
        torch.manual_seed(1)
        noisy.append(generator([image], codes))
    torch.testing.assert_close(noisy[0], noisy[1])


def test_gradient_reaches_the_code():
    code = torch.ones(1, 1, requires_grad=True)
    RicianGenerator(NoiseLevel(sigma=0.1))([torch.zeros(1, 1, 64, 64)], code).mean().backward()
    # In background the mean is proportional to sigma, so d mean / d log sigma is the mean itself.
    mean = 0.1 * math.exp(0.7) * math.sqrt(math.pi / 2)
    assert code.grad.item() == pytest.approx(0.7 * mean, rel=0.05)


def test_gradient_of_a_code_map_is_shared_by_its_nodes():
    noise_level = NoiseLevel(sigma=0.1)
    codes = torch.zeros(1, 1, 2, 2, requires_grad=True)
    RicianGenerator(noise_level)([torch.zeros(1, 1, 256, 256)], codes).mean().backward()
    share = 0.7 * 0.1 * math.sqrt(math.pi / 2) / 4  # of d mean / d code
    torch.testing.assert_close(codes.grad, torch.full_like(codes, share), rtol=0.05, atol=0)


def test_amplitude_is_the_image_of_the_content():
    content, code = [torch.ones(1, 1, 64, 64), torch.rand(1, 4, 64, 64)], torch.zeros(1, 1)
    noise_level = NoiseLevel(sigma=1e-4)
    assert RicianGenerator(noise_level)(content, code).mean().item() == pytest.approx(1.0, abs=1e-3)


def test_generator_draws_new_noise_at_every_call():
    content = [torch.rand(1, 1, 16, 16)]
    before = content[0].clone()
    generator = RicianGenerator(NoiseLevel())
    assert not torch.equal(generator(content, torch.zeros(1, 1)), generator(content, torch.zeros(1, 1)))
    assert torch.equal(content[0], before)
