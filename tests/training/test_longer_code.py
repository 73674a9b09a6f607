"""A denoiser with a longer noise code goes on where one with a shorter code was."""

import pytest
import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.networks import NoiseLevel, PhysicsGuidedDenoiser
from monai_unsup_denoise.training.longer_code import load_with_longer_code
from tests.small_networks import published_denoiser, small_denoiser


@pytest.fixture
def older(tmp_path):
    """A denoiser of volumes whose code is the noise level alone, and the file of its weights."""
    parts = published_denoiser(3, code_channels=1)
    level = NoiseLevel(sigma=0.03, spread=0.4)
    made = PhysicsGuidedDenoiser(
        parts.content_encoder, parts.noise_encoder, parts.generator, level, working_sigma=0.1
    ).eval()
    torch.save(made.state_dict(), tmp_path / "model.pt")
    return made, tmp_path / "model.pt"


@torch.no_grad()
def test_the_network_of_a_longer_code_computes_the_same(older):
    network, path = older
    longer = small_denoiser(working_sigma=0.1).eval()
    reader = {name: value.clone() for name, value in longer.noise_encoder.state_dict().items()}
    assert load_with_longer_code(longer, path) is longer
    image, code = torch.rand(2, 1, 12, 12, 8), torch.randn(2, 5)
    expected = network(image, code[:, :1])
    assert not torch.allclose(expected, image, atol=0.01)
    torch.testing.assert_close(longer(image, code), expected)
    torch.testing.assert_close(longer.sigma(code), network.sigma(code[:, :1]))
    assert all(torch.equal(value, reader[name]) for name, value in longer.noise_encoder.state_dict().items())


def test_the_new_entries_of_the_code_can_learn(older):
    longer = load_with_longer_code(small_denoiser(working_sigma=0.1), older[1])
    code = torch.zeros(1, 5)
    code[:, 1:] = 0.5
    longer(torch.rand(1, 1, 12, 12, 8), code).square().sum().backward()
    weights = [p.grad for name, p in longer.generator.named_parameters() if name.endswith("modulation.weight")]
    assert weights and all((grad[:, 1:].abs().sum(0) > 0).all() for grad in weights)


def test_weights_that_differ_in_more_than_the_code_are_refused(older, tmp_path):
    _, path = older
    with pytest.raises(InputError, match=r"model\.pt: not the weights of this network with a shorter code"):
        load_with_longer_code(small_denoiser(channels=(4, 8)), path)
    with pytest.raises(InputError, match="no such file; train the network with the shorter code first"):
        load_with_longer_code(small_denoiser(), tmp_path / "gone.pt")
