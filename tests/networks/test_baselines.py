"""The networks of the baselines."""

import pytest
import torch
from torch import nn

from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DnCNN,
    ImageTranslator,
    NoiseTranslator,
    NoisyGenerator,
)


def translator(residual: bool = False) -> ImageTranslator:
    generator = ContentGenerator(2, 3, code_channels=1, channels=(4, 6, 8), residual=residual)
    return ImageTranslator(ContentEncoder(2, 3, channels=(4, 6, 8)), generator)


@pytest.mark.parametrize("network", [translator(), DnCNN(2, 3, features=8, depth=4)], ids=["translator", "dncnn"])
@pytest.mark.parametrize("shape", [(32, 24), (31, 29), (5, 3)])
def test_network_without_noise_code_accepts_any_size(network, shape):
    network.eval()
    image = torch.rand(2, 3, *shape)
    code = network.encode_noise(image)
    assert code.shape == (2, 0)
    out = network(image, code)
    assert out.shape == image.shape and out.isfinite().all()
    assert torch.equal(out, network(image))
    torch.testing.assert_close(torch.jit.script(network)(image), out)


def test_untrained_residual_translator_returns_its_input():
    image = torch.rand(1, 3, 16, 12)
    assert torch.equal(translator(residual=True)(image), image)


def test_dncnn_subtracts_the_predicted_noise():
    network = DnCNN(2, 1, features=4, depth=5)
    nn.init.zeros_(network.noise[-1].weight)
    nn.init.constant_(network.noise[-1].bias, 0.25)
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(network(image), image - 0.25)


def test_dncnn_is_built_as_published():
    network = DnCNN(2, 1)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 17
    assert [layer.weight.shape[0] for layer in convolutions] == [64] * 16 + [1]
    assert sum(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()) == 15
    scales = torch.cat([layer.weight.detach() for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)])
    assert 0 < scales.abs().min() and float(scales.abs().max()) == pytest.approx(0.025)
    # A pixel sees 2 * 17 + 1 pixels a side.
    image = torch.zeros(1, 1, 45, 45, requires_grad=True)
    network.eval()(image)[0, 0, 22, 22].backward()
    seen = image.grad[0, 0].abs().sum(0).nonzero()
    assert (int(seen.min()), int(seen.max())) == (22 - 17, 22 + 17)


def test_noise_of_a_translation_has_another_level_each_time():
    torch.manual_seed(0)
    translate = NoiseTranslator(NoisyGenerator(2, 1, code_channels=1, sigma=0.1, spread=0.5))
    with torch.no_grad():
        levels = (translate(torch.full((4000, 1, 12, 12), 9.0)) - 9).flatten(1).std(1).log()
    assert levels.mean().exp().item() == pytest.approx(0.1, rel=0.15)
    assert levels.std().item() == pytest.approx(0.5, rel=0.1)
