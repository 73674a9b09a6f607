"""A 2-D network over the slabs of a volume."""

import pytest
import torch

from monai_unsup_denoise.inference import NoiseEstimate, SlabInferer
from monai_unsup_denoise.networks import ContentEncoder, ContentGenerator, DisentangledDenoiser, NoiseEncoder

WEIGHTS = {1: [1.0], 3: [0.5, 1.0, 0.5], 5: [1 / 3, 2 / 3, 1.0, 2 / 3, 1 / 3]}  # the middle counts most


class Spy:
    """Adds its own constant to each channel; the code of a slab is its standard deviation. Remembers its calls."""

    def __init__(self, constants):
        self.constants = torch.tensor(constants).view(1, -1, 1, 1)
        self.encoded, self.codes, self.batches = 0, [], []

    def encode_noise(self, slabs):
        self.encoded += len(slabs)
        return slabs.flatten(1).std(dim=1, keepdim=True)

    def __call__(self, slabs, code):
        assert len(slabs) == len(code)
        self.codes.append(code)
        self.batches.append(len(slabs))
        return slabs + self.constants


def identity(depth):
    return Spy([0.0] * depth)


@pytest.mark.parametrize("depth, slices, step", [(1, 4, 1), (3, 3, 1), (3, 8, 1), (3, 8, 2), (3, 8, 3), (5, 9, 3)])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_identity_network_returns_the_volume(depth, slices, step, batch_size):
    volume = torch.rand(2, 1, 6, 7, slices)
    out = SlabInferer(depth, batch_size=batch_size, step=step)(volume, identity(depth))
    torch.testing.assert_close(out, volume, atol=1e-6, rtol=0)


@pytest.mark.parametrize("depth, step", [(3, 1), (5, 1), (5, 3), (5, 5)])
def test_each_voxel_is_the_weighted_mean_of_predictions(depth, step):
    slices = 12
    constants = [float(2**k) for k in range(depth)]
    out = SlabInferer(depth, step=step)(torch.zeros(1, 1, 4, 4, slices), Spy(constants))
    starts = sorted({*range(0, slices - depth + 1, step), slices - depth})
    for position in range(slices):
        made = [(WEIGHTS[depth][position - s], constants[position - s]) for s in starts if 0 <= position - s < depth]
        expected = sum(weight * value for weight, value in made) / sum(weight for weight, _ in made)
        torch.testing.assert_close(out[..., position], torch.full((1, 1, 4, 4), expected), atol=1e-5, rtol=0)


def test_code_of_a_volume_is_the_median_over_its_slabs():
    volumes = torch.rand(2, 1, 8, 8, 9) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1, 1)
    network = identity(3)
    SlabInferer(3, batch_size=2)(volumes, network)
    assert network.encoded == 2 * 7, "every slab of either volume, once"
    codes = torch.cat(network.codes)
    assert len(codes) == 2 * 7
    for volume, given in zip(volumes, codes.split(7), strict=True):
        slabs = torch.stack([volume[0, :, :, s : s + 3] for s in range(7)])
        torch.testing.assert_close(given, slabs.flatten(1).std(dim=1).median().expand(7, 1))


def test_uneven_noise_gives_one_code_and_no_seam():
    volume = 1 + torch.randn(1, 1, 16, 16, 12) * torch.tensor([0.01] * 6 + [0.3] * 6)

    class BiasedByCode(Spy):
        def __call__(self, slabs, code):
            super().__call__(slabs, code)
            return torch.zeros_like(slabs) + code[:, :, None, None]

    network = BiasedByCode([0.0] * 3)
    out = SlabInferer(3, batch_size=5)(volume, network)
    assert torch.cat(network.codes).unique().numel() == 1
    torch.testing.assert_close(out, out[..., :1].expand_as(out))


def test_given_estimate_replaces_a_new_one():
    network = identity(3)
    SlabInferer(3)(torch.rand(1, 1, 4, 4, 6), network, noise=NoiseEstimate(torch.tensor([[0.7]])))
    assert network.encoded == 0
    assert torch.cat(network.codes).unique().tolist() == pytest.approx([0.7])


def test_batches_hold_at_most_batch_size_slabs():
    network = identity(3)
    SlabInferer(3, batch_size=4)(torch.rand(1, 1, 4, 4, 12), network)
    assert network.batches == [4, 4, 2]


def test_untrained_denoiser_returns_the_volume():
    denoiser = DisentangledDenoiser(
        ContentEncoder(2, 3, channels=(4, 6)),
        NoiseEncoder(2, channels=4),
        ContentGenerator(2, 3, code_channels=1, channels=(4, 6)),
    )
    volume = torch.rand(1, 1, 17, 19, 6)
    with torch.no_grad():
        out = SlabInferer(3)(volume, denoiser)
    torch.testing.assert_close(out, volume, atol=1e-6, rtol=0)


def test_too_few_slices_are_an_error():
    with pytest.raises(ValueError, match="has 4 slices along its last axis, the network sees 5"):
        SlabInferer(5)(torch.rand(1, 1, 8, 8, 4), identity(5))


@pytest.mark.parametrize("depth, step", [(4, 1), (3, 0), (3, 4)])
def test_even_depth_or_too_long_a_step_is_an_error(depth, step):
    with pytest.raises(ValueError, match=f"got depth {depth}, step {step}"):
        SlabInferer(depth, step=step)


def test_progress_is_shown_on_request(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for progress in (False, True):
        SlabInferer(depth=3, progress=progress)(torch.rand(1, 1, 16, 16, 5), identity(3))
        assert ("slabs" in capsys.readouterr().err) == progress
