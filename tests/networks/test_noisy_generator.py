"""The published ``G_L``, which draws noise."""

import math

import pytest
import scipy.stats
import torch

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.networks import NoiseEncoder, NoisyGenerator


def generator_of(spatial_dims: int, *, code_channels: int = 2) -> NoisyGenerator:
    """An untrained one, which adds noise to the image of the content."""
    torch.manual_seed(0)
    return NoisyGenerator(spatial_dims, 1, code_channels=code_channels)


@pytest.mark.parametrize("shape", [(128, 128), (32, 32, 16)], ids=["2-D", "3-D"])
@pytest.mark.parametrize("code, sigma", [(0.0, 0.1), (1.0, 0.1 * math.exp(0.7))])
def test_untrained_noise_is_rician(shape, code, sigma):
    generator = generator_of(len(shape))
    image = torch.full((1, 1, *shape), 0.15)
    with torch.no_grad():
        noisy = generator([image], torch.full((1, 2), code))
    expected = scipy.stats.rice(0.15 / sigma, scale=sigma)
    assert scipy.stats.kstest(noisy.flatten().numpy(), expected.cdf).pvalue > 0.01
    weaker = scipy.stats.rice(0.15 / sigma, scale=0.95 * sigma)
    assert scipy.stats.kstest(noisy.flatten().numpy(), weaker.cdf).pvalue < 0.01


def test_noise_is_drawn_anew_unless_the_seed_is_the_same():
    generator, content = generator_of(2), [torch.zeros(1, 1, 8, 8)]
    torch.manual_seed(0)
    first, second = (generator(content, torch.zeros(1, 2)) for _ in range(2))
    torch.manual_seed(0)
    assert torch.equal(generator(content, torch.zeros(1, 2)), first) and not torch.equal(first, second)


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_untrained_noise_is_white_and_of_the_level_read(level):
    encoder, generator = NoiseEncoder(2, code_channels=8), generator_of(2, code_channels=8)
    with torch.no_grad():
        code, _ = encoder(add_rician_noise(torch.full((1, 1, 128, 128), 9.0), level))
        noise = generator([torch.full((1, 1, 128, 128), 9.0)], code) - 9
    assert noise.std().item() == pytest.approx(level, rel=0.05)
    for axis in (2, 3):
        size = noise.size(axis)
        pair = torch.stack([noise.narrow(axis, 0, size - 1).flatten(), noise.narrow(axis, 1, size - 1).flatten()])
        assert abs(torch.corrcoef(pair)[0, 1]) < 0.03


def test_images_of_a_batch_have_the_noise_of_their_own_codes():
    generator = generator_of(2)
    code = torch.tensor([[0.0, 0.0], [math.log(3) / 0.35, 0.0]])  # each entry has half of the spread
    with torch.no_grad():
        noisy = generator([torch.full((2, 1, 128, 128), 9.0)], code)
    assert noisy.flatten(1).std(1).tolist() == pytest.approx([0.1, 0.3], rel=0.05)


def test_level_and_texture_are_learned():
    generator = generator_of(2)
    generator([torch.rand(1, 1, 16, 16)], torch.ones(1, 2)).square().mean().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in generator.parameters())


def test_no_value_is_negative_and_none_is_lost_in_bfloat16():
    generator, image = generator_of(2), torch.randn(1, 1, 32, 32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        noisy = generator([image], torch.full((1, 2), -30.0))  # hardly any noise
    assert noisy.min() >= 0
    torch.testing.assert_close(noisy, image.abs(), rtol=0, atol=1e-6)
