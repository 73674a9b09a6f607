"""Discriminators that are shown the local noise energy."""

import pytest
import torch
from monai.networks.nets import PatchDiscriminator
from torch import nn

from monai_unsup_denoise.networks import NoiseDiscriminator


@pytest.mark.parametrize("shape", [(32, 40), (16, 24, 16)], ids=["2-D", "3-D"])
def test_logits_are_those_of_patches(shape):
    discriminator = NoiseDiscriminator(len(shape), 3, channels=4, num_layers_d=2)
    plain = PatchDiscriminator(len(shape), 4, 3, num_layers_d=2)
    images = torch.rand(2, 3, *shape)
    assert discriminator(images)[-1].shape == plain(images)[-1].shape


def test_second_input_is_the_log_of_the_local_noise_energy():
    """Noise less its mean over 3 x 3 voxels has 8/9 of its variance."""
    seen = []
    discriminator = NoiseDiscriminator(2, 1, channels=4, num_layers_d=2)
    discriminator.patches.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    noisy = 1 + torch.tensor([0.05, 0.2]).view(2, 1, 1, 1) * torch.randn(2, 1, 128, 128)
    discriminator(noisy)
    energy = torch.exp(seen[0][:, 1] - 4).mean((1, 2)) - 1e-4
    assert (energy * 9 / 8).sqrt().tolist() == pytest.approx([0.05, 0.2], rel=0.03)


def test_no_layer_strengthens_its_input():
    discriminator = NoiseDiscriminator(2, 1, channels=16, num_layers_d=2)
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-2)
    for _ in range(20):
        loss = -discriminator(torch.rand(4, 1, 32, 32))[-1].mean()  # which large weights lower
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    layers = [module for module in discriminator.modules() if isinstance(module, nn.Conv2d)]
    norms = [torch.linalg.matrix_norm(layer.weight.detach().flatten(1), ord=2).item() for layer in layers]
    assert len(layers) == 4 and norms == pytest.approx([1] * 4, rel=0.1)


def test_gradient_is_finite_for_a_flat_image():
    flat = torch.zeros(1, 1, 32, 32, requires_grad=True)
    NoiseDiscriminator(2, 1, channels=4, num_layers_d=2)(flat)[-1].sum().backward()
    assert torch.isfinite(flat.grad).all()


def loss_after(discriminator: nn.Module, steps: int = 30) -> float:
    """Mean of the last ten losses of a discriminator that learns to tell smooth images from noisy ones."""
    optimizer = torch.optim.Adam(discriminator.parameters(), 1e-3, betas=(0.5, 0.999))
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(steps):
        coarse = torch.rand(16, 1, 6, 6, generator=generator)
        clean, other = nn.functional.interpolate(coarse, size=(48, 48), mode="bicubic").split(8)
        noisy = other + 0.05 * torch.randn(other.shape, generator=generator)
        loss = (discriminator(clean)[-1] - 1).square().mean() + discriminator(noisy)[-1].square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return sum(losses[-10:]) / 10


def test_noise_is_seen_earlier_than_by_a_plain_discriminator():
    torch.manual_seed(0)
    shown = loss_after(NoiseDiscriminator(2, 1, channels=16, num_layers_d=2))
    plain = loss_after(PatchDiscriminator(2, 16, 1, num_layers_d=2, norm=None))
    assert shown < 0.15 and plain > 0.3
