"""The noise encoder: what the code depends on, and what not."""

import math

import pytest
import torch

from monai_unsup_denoise.networks import NoiseEncoder, NoiseLevel
from tests.networks.noise_cases import noisy_disc, trained


@pytest.mark.parametrize("spatial_dims, shape", [(2, (33, 40)), (3, (20, 18, 6))])
@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_code_is_affine_in_the_log_of_the_scale(spatial_dims, shape, factor):
    encoder = trained(NoiseEncoder(spatial_dims, code_channels=3))
    image = 0.5 + torch.rand(2, 2, *shape)
    for weight, before, after in zip(
        (encoder.mean_weight, encoder.log_variance_weight), encoder(image), encoder(factor * image), strict=True
    ):
        expected = before + weight[:, 0] * math.log(factor)
        torch.testing.assert_close(after, expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("sigma, spread, channels", [(0.1, 0.7, 1), (0.02, 1.5, 2)])
@pytest.mark.parametrize("spatial_dims, shape", [(2, (128, 128)), (3, (64, 64, 4))])
def test_untrained_encoder_estimates_white_noise(sigma, spread, channels, spatial_dims, shape):
    encoder = NoiseEncoder(spatial_dims, code_channels=channels, sigma=sigma, spread=spread)
    noise_level = NoiseLevel(sigma=sigma, spread=spread)
    for truth in (0.01, 0.05, 0.3):
        code, _ = encoder(10 + truth * torch.randn(1, 1, *shape))
        assert noise_level(code).item() == pytest.approx(truth, rel=0.15)


def test_encoder_ignores_windows_of_zeros():
    # The number of masked voxels does not change the code.
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc(49)
    narrow, wide = (torch.nn.functional.pad(image, (0, width, 0, 0)) for width in (32, 96))
    torch.testing.assert_close(encoder(wide)[0], encoder(narrow)[0], atol=1e-5, rtol=0)
    assert encoder(wide)[0].item() == pytest.approx(encoder(image)[0].item(), abs=0.1)


def test_code_of_zeros_is_finite_with_finite_gradients():
    encoder = NoiseEncoder(2)
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    mean, log_variance = encoder(image)
    assert mean.isfinite().all() and log_variance.isfinite().all()
    (mean + log_variance).sum().backward()
    assert image.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters() if parameter.grad is not None)


def test_code_of_a_constant_image_is_finite():
    image = torch.ones(1, 1, 32, 32, requires_grad=True)
    mean, _ = NoiseEncoder(2)(image)
    mean.sum().backward()
    assert mean.isfinite().all()
    assert image.grad.isfinite().all()


@pytest.mark.parametrize("axis", [2, 3])
def test_code_of_a_mirrored_image_is_nearly_the_same(axis):
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc(49)  # 48 differences along each axis: mirrored windows fall on windows
    assert encoder(image.flip(axis))[0].item() == pytest.approx(encoder(image)[0].item(), abs=0.05)


def test_code_hardly_depends_on_anatomy():
    encoder = NoiseEncoder(2)
    disc = noisy_disc(64, sigma=0.1)
    flat = 1 + 0.1 * torch.randn(1, 1, 64, 64)
    assert encoder(disc)[0].item() == pytest.approx(encoder(flat)[0].item(), abs=0.5)


def test_encoder_treats_images_separately():
    encoder = trained(NoiseEncoder(2, code_channels=2))
    first, second = noisy_disc(32, sigma=0.02), noisy_disc(32, sigma=0.3)
    torch.testing.assert_close(
        encoder(torch.cat([first, second]))[0], torch.cat([encoder(first)[0], encoder(second)[0]])
    )


def test_encoder_uses_every_slice():
    encoder = NoiseEncoder(3)
    volume = 1 + 0.1 * torch.randn(1, 1, 24, 24, 4)
    volume[..., 2] = 1 + 0.4 * (volume[..., 2] - 1)
    changed = volume.clone()
    changed[..., 3] = 1 + 4 * (changed[..., 3] - 1)
    assert not torch.allclose(encoder(volume)[0], encoder(changed)[0])


def test_code_keeps_its_precision_under_autocast():
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoder(image)[0]
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, encoder(image)[0], atol=0.02, rtol=0)


def test_every_parameter_of_the_encoder_can_learn():
    encoder = trained(NoiseEncoder(2))
    mean, log_variance = encoder(torch.cat([noisy_disc(sigma=sigma) for sigma in (0.02, 0.1)]))
    (mean.square() + log_variance.square()).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in encoder.parameters())
