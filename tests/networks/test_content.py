"""Content encoder and generators: scales, and the effect of the code."""

import pytest
import torch

from monai_unsup_denoise.networks import ContentEncoder, ContentGenerator


@pytest.mark.parametrize("shape", [(16, 24), (8, 16, 12)])
def test_content_is_the_image_and_a_map_per_scale(shape):
    encoder = ContentEncoder(len(shape), 3, channels=(4, 5, 6), blocks=2)
    image = torch.rand(2, 3, *shape)
    content = encoder(image)
    assert content[0] is image
    expected = [(2, width, *(side // 2**scale for side in shape)) for scale, width in enumerate((4, 5, 6))]
    assert [tuple(features.shape) for features in content[1:]] == expected
    assert encoder.downsampling == 4


def test_generator_uses_every_scale_of_the_content():
    encoder = ContentEncoder(2, 1, channels=(4, 5, 6))
    generator = ContentGenerator(2, 1, code_channels=1, channels=(4, 5, 6))
    torch.nn.init.normal_(generator.head.weight)
    content = [features.detach().requires_grad_() for features in encoder(torch.rand(1, 1, 16, 16))]
    generator(content, torch.zeros(1, 1)).square().sum().backward()
    assert all(features.grad.abs().sum() > 0 for features in content)


@pytest.mark.parametrize(
    "make, modulation",
    [(lambda blocks: ContentEncoder(3, 1, blocks=blocks), 0), (lambda blocks: decoder(blocks), 2 * (2 * 2 * 32))],
)
def test_each_scale_has_its_own_number_of_blocks(make, modulation):
    two_convolutions = 2 * (32 * 32 * 27 + 32)  # of a block where there are 32 features
    assert size(make([3, 1, 1])) - size(make(1)) == 2 * two_convolutions + modulation
    with pytest.raises(ValueError, match="length 3"):
        make([1, 2])


def decoder(blocks) -> ContentGenerator:
    return ContentGenerator(3, 1, code_channels=1, blocks=blocks)


def size(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_generator_uses_every_channel_of_the_code():
    generator = ContentGenerator(2, 1, code_channels=3, channels=(4, 5))
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    content = ContentEncoder(2, 1, channels=(4, 5))(torch.rand(2, 1, 16, 16))
    code = torch.zeros(2, 3, requires_grad=True)
    generator(content, code)[0].square().sum().backward()
    assert (code.grad[0] != 0).all()
    assert (code.grad[1] == 0).all(), "the code of one image reached another"


def test_untrained_generator_can_learn():
    encoder = ContentEncoder(2, 1, channels=(4, 5))
    generator = ContentGenerator(2, 1, code_channels=1, channels=(4, 5))
    image, code = torch.rand(1, 1, 16, 16), torch.ones(1, 1)
    parameters = [*encoder.parameters(), *generator.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=1e-2)
    errors = []
    for _ in range(20):
        error = (generator(encoder(image), code) - 0.5).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < 0.7 * errors[0]
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in parameters)
