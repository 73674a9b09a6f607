"""Blocks that draw noise, and generators made of them."""

import math

import pytest
import torch

from monai_unsup_denoise.networks import ContentEncoder, ContentGenerator, NoiseEncoder, NoisyBlock


def block_of(spatial_dims: int) -> NoisyBlock:
    """One that adds noise and does nothing else, stronger with the second entry of the code."""
    block = NoisyBlock(spatial_dims, 4, 2)
    with torch.no_grad():
        block.second.weight.zero_()
        block.second.bias.zero_()
        block.strength.weight.copy_(torch.tensor([0.0, 1.0]).expand(4, 2))
    return block


@pytest.mark.parametrize("shape", [(96, 96), (24, 24, 16)], ids=["2-D", "3-D"])
def test_noise_is_white_and_as_strong_as_the_code_says(shape):
    features = torch.randn(2, 4, *shape)
    code = torch.tensor([[9.0, 0.0], [9.0, math.log(3.0)]])
    with torch.no_grad():
        noise = block_of(len(shape))(features, code) - features
    assert noise.flatten(1).std(1).tolist() == pytest.approx([0.03, 0.09], rel=0.05)
    neighbours = torch.corrcoef(torch.stack([noise[1, 0, :-1].flatten(), noise[1, 0, 1:].flatten()]))
    assert abs(neighbours[0, 1]) < 0.06
    torch.testing.assert_close(noise[:, 1:], noise[:, :1].expand(-1, 3, *shape))


def test_noise_is_drawn_anew_unless_the_seed_is_the_same():
    block, features, code = block_of(2), torch.zeros(1, 4, 8, 8), torch.zeros(1, 2)
    torch.manual_seed(0)
    first, second = block(features, code), block(features, code)
    torch.manual_seed(0)
    assert torch.equal(block(features, code), first) and not torch.equal(first, second)


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_untrained_noise_is_proportional_to_the_level_read(level):
    encoder, block = NoiseEncoder(2, code_channels=8), NoisyBlock(2, 4, 8)
    with torch.no_grad():
        code, _ = encoder(10 + level * torch.randn(1, 1, 128, 128))
        strength = block.strength(code).exp()
    assert strength[0].tolist() == pytest.approx([0.3 * level] * 4, rel=0.08)


def test_strength_is_learned():
    block = block_of(2)
    block(torch.zeros(1, 4, 8, 8), torch.ones(1, 2)).square().mean().backward()
    assert (block.strength.bias.grad > 0).all() and (block.strength.weight.grad > 0).all()


def test_generator_of_noisy_blocks_makes_another_image_each_time():
    content = ContentEncoder(2, 1, channels=(4, 8))(torch.rand(1, 1, 16, 16))
    for block, same in ((NoisyBlock, False), (None, True)):
        chosen = {} if block is None else {"block": block}
        generator = ContentGenerator(2, 1, code_channels=2, channels=(4, 8), residual=False, **chosen)
        images = [generator(content, torch.zeros(1, 2)) for _ in range(2)]
        assert torch.equal(*images) == same


def test_generator_of_magnitudes_returns_none_below_zero():
    generator = ContentGenerator(2, 1, code_channels=2, channels=(4, 8), residual=True, magnitude=True)
    noise = torch.randn(1, 1, 64, 64)
    content = [noise, torch.zeros(1, 4, 64, 64), torch.zeros(1, 8, 32, 32)]
    assert torch.equal(generator(content, torch.zeros(1, 2)), noise.abs())  # untrained, it returns the image
