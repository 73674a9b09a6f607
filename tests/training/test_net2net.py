"""A deeper network goes on where a shallower one was."""

import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.networks import ContentEncoder, ContentGenerator, DisentangledDenoiser, NoiseEncoder
from monai_unsup_denoise.training.net2net import load_and_deepen


def denoiser(blocks, channels=(4, 6), seed=0) -> DisentangledDenoiser:
    torch.manual_seed(seed)
    made = DisentangledDenoiser(
        ContentEncoder(3, 1, channels=channels, blocks=blocks),
        NoiseEncoder(3, channels=4),
        ContentGenerator(3, 1, code_channels=1, channels=channels, blocks=blocks, residual=False),
    )
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


@pytest.fixture
def shallow(tmp_path):
    made = denoiser(1)
    torch.save(made.state_dict(), tmp_path / "model.pt")
    return made, tmp_path / "model.pt"


@pytest.mark.parametrize("blocks", [1, 3, (2, 1), (1, 2)])
def test_the_deeper_network_computes_the_same_and_can_learn(shallow, blocks):
    network, path = shallow
    deep = load_and_deepen(denoiser(blocks, seed=1), path)
    image, code = torch.rand(1, 1, 8, 8, 8), torch.full((1, 1), 0.3)
    torch.testing.assert_close(deep(image, code), network(image, code))
    deep(image, code).square().sum().backward()
    last = [p.grad for name, p in deep.named_parameters() if name.endswith("second.weight")]
    assert all(grad.abs().sum() > 0 for grad in last)


def test_weights_that_differ_in_more_than_blocks_are_refused(shallow, tmp_path):
    _, path = shallow
    with pytest.raises(InputError, match=r"model\.pt: not the weights of this network with fewer blocks"):
        load_and_deepen(denoiser(2, channels=(4, 8)), path)
    deep = tmp_path / "deep.pt"
    torch.save(denoiser(2).state_dict(), deep)
    with pytest.raises(InputError, match="first 'content_encoder.scales.0.2.first.bias'"):
        load_and_deepen(denoiser(1), deep)
    with pytest.raises(InputError, match="no such file; train the shallower network first"):
        load_and_deepen(denoiser(2), tmp_path / "gone.pt")
