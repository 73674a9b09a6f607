"""The denoiser of white noise within that of scanner noise."""

import pytest
import torch

from monai_unsup_denoise.inference import load_weights
from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    LevelGuidedDenoiser,
    NoiseEncoder,
    NoiseLevel,
    NoiseReader,
    PhysicsGuidedDenoiser,
)

CHANNELS = (4, 6, 8)


def generator(code_channels: int) -> ContentGenerator:
    made = ContentGenerator(3, 1, code_channels=code_channels, channels=CHANNELS)
    torch.nn.init.normal_(made.head.weight, std=0.02)
    return made


def white_part() -> LevelGuidedDenoiser:
    level = NoiseLevel(sigma=0.05, spread=0.5)  # another scale than that of the whole
    encoder = NoiseEncoder(3, sigma=0.05, spread=0.5)
    torch.nn.init.zeros_(encoder.mean_weight[:, 1:])
    return LevelGuidedDenoiser(ContentEncoder(3, 1, channels=CHANNELS), encoder, generator(1), level, working_sigma=0.1)


def denoiser(white: LevelGuidedDenoiser | None) -> PhysicsGuidedDenoiser:
    made = PhysicsGuidedDenoiser(
        ContentEncoder(3, 1, channels=CHANNELS), NoiseReader(channels=(4, 6)), generator(5), NoiseLevel(),
        working_sigma=0.1, white=white,
    )  # fmt: skip
    return made.requires_grad_(False).eval()


@pytest.fixture
def network() -> PhysicsGuidedDenoiser:
    torch.manual_seed(0)
    return denoiser(white_part())


def code_of(network, sigma=0.1, correlation=(0.0, 0.0, 0.0), coils=1.0):
    return network.code_of(torch.tensor([sigma]), torch.tensor([correlation]), torch.tensor([coils]))


def image(sigma=0.1) -> torch.Tensor:
    return 1 + sigma * torch.randn(1, 1, 24, 24, 8, generator=torch.Generator().manual_seed(0))


def test_codes_of_white_noise_go_to_the_white_part(network):
    given = image()
    level = network.white.noise_level.level_code(torch.tensor([0.1]))
    torch.testing.assert_close(network(given, code_of(network)), network.white(given, level))


@pytest.mark.parametrize("other", [{"correlation": (0.0, 0.1, 0.0)}, {"coils": 4.0}])
def test_other_codes_do_not(network, other):
    alone = denoiser(None)
    alone.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("white.")})
    code = code_of(network, **other)
    torch.testing.assert_close(network(image(), code), alone(image(), code))
    level = network.white.noise_level.level_code(torch.tensor([0.1]))
    assert not torch.allclose(network(image(), code), network.white(image(), level), atol=1e-4)


@pytest.mark.parametrize(
    ("correlation", "coils", "sigma", "is_read_again"),
    [
        ((0.0, 0.02, -0.02), 1.2, 0.097, True),
        ((0.0, 0.05, 0.0), 1.0, 0.1, False),
        ((0.0, 0.0, -0.05), 1.0, 0.1, False),
        ((0.0, 0.0, 0.0), 2.0, 0.1, False),
        ((0.0, 0.0, 0.0), 1.0, 0.13, False),
    ],
)
def test_white_noise_is_read_again_if_both_agree(network, correlation, coils, sigma, is_read_again):
    code = code_of(network, sigma, correlation, coils)
    read = network.read_white(image(), code)
    if is_read_again:
        expected = network.white.sigma(network.white.encode_noise(image()))
        torch.testing.assert_close(network.sigma(read), expected)
        assert expected.item() == pytest.approx(0.1, rel=0.1) and not read[:, 1:].any()
    else:
        assert torch.equal(read, code)


def test_without_a_white_part_nothing_counts_as_white():
    alone = denoiser(None)
    code = code_of(alone)
    assert not alone.is_white(code) and torch.equal(alone.read_white(image(), code), code)


def test_no_voxel_changes_by_more_than_ten_sigma(network):
    for part in (network, network.white):
        torch.nn.init.constant_(part.generator.head.bias, 1e3)
    for code in (code_of(network), code_of(network, coils=8.0)):
        change = network(image(), code) - image()
        assert change.abs().max().item() == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("scripted", [False, True])
def test_the_white_part_is_in_torchscript(network, scripted):
    used = torch.jit.script(network) if scripted else network
    for code in (code_of(network), code_of(network, coils=8.0)):
        torch.testing.assert_close(used(image(), code), network(image(), code))
    torch.testing.assert_close(used.encode_noise(image()), network.encode_noise(image()))


@pytest.mark.parametrize("in_file", [True, False])
@pytest.mark.parametrize("in_network", [True, False])
def test_weights_with_and_without_a_white_part_are_loaded(network, in_file, in_network, tmp_path):
    saved = network if in_file else denoiser(None)
    torch.save(saved.state_dict(), tmp_path / "model.pt")
    loaded = load_weights(denoiser(white_part() if in_network else None), tmp_path / "model.pt")
    assert (loaded.white is not None) == (in_file and in_network)
    code = code_of(network, coils=8.0)
    torch.testing.assert_close(loaded.eval()(image(), code), saved(image(), code))
