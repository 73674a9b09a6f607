"""The noise encoder: what the code may depend on, and what not."""

import math

import pytest
import torch

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.networks import NoiseEncoder, NoiseLevel


def noisy_disc(side: int = 48, *, sigma: float = 0.1) -> torch.Tensor:
    """A smooth disc in air with Rician noise ``(1, 1, side, side)``."""
    axis = torch.linspace(-1, 1, side)
    disc = torch.sigmoid(20 * (0.6 - torch.hypot(axis[:, None], axis[None, :])))
    return add_rician_noise(disc[None, None], sigma)


def trained(encoder: NoiseEncoder) -> NoiseEncoder:
    """With random weights in the place of those that an untrained encoder has at zero."""
    torch.nn.init.normal_(encoder.head.weight, std=0.3)
    torch.nn.init.normal_(encoder.head.bias, std=0.3)
    torch.nn.init.normal_(encoder.log_variance_weight, std=0.1)
    return encoder


@pytest.mark.parametrize("spatial_dims, shape", [(2, (33, 40)), (3, (20, 18, 6))])
@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_the_code_is_affine_in_the_logarithm_of_the_scale(spatial_dims, shape, factor):
    encoder = trained(NoiseEncoder(spatial_dims, code_channels=3))
    image = 0.5 + torch.rand(2, 2, *shape)
    for weight, before, after in zip(
        (encoder.mean_weight, encoder.log_variance_weight), encoder(image), encoder(factor * image), strict=True
    ):
        expected = before + weight[:, 0] * math.log(factor)
        torch.testing.assert_close(after, expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize("sigma, spread, channels", [(0.1, 0.7, 1), (0.02, 1.5, 2)])
@pytest.mark.parametrize("spatial_dims, shape", [(2, (128, 128)), (3, (64, 64, 4))])
def test_untrained_encoder_and_noise_level_together_say_the_standard_deviation_of_white_noise(
    sigma, spread, channels, spatial_dims, shape
):
    encoder = NoiseEncoder(spatial_dims, code_channels=channels, sigma=sigma, spread=spread)
    noise_level = NoiseLevel(channels, sigma=sigma, spread=spread)
    for truth in (0.01, 0.05, 0.3):
        code, _ = encoder(10 + truth * torch.randn(1, 1, *shape))
        assert noise_level(code).item() == pytest.approx(truth, rel=0.15)


def test_windows_of_exact_zeros_have_no_weight():
    # However many masked voxels there are beside the image, the code stays the same.
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc(49)
    narrow, wide = (torch.nn.functional.pad(image, (0, width, 0, 0)) for width in (32, 96))
    torch.testing.assert_close(encoder(wide)[0], encoder(narrow)[0], atol=1e-5, rtol=0)
    assert encoder(wide)[0].item() == pytest.approx(encoder(image)[0].item(), abs=0.1)


def test_an_image_of_zeros_has_a_finite_code_with_finite_gradients():
    encoder = NoiseEncoder(2)
    image = torch.zeros(1, 1, 32, 32, requires_grad=True)
    mean, log_variance = encoder(image)
    assert mean.isfinite().all() and log_variance.isfinite().all()
    (mean + log_variance).sum().backward()
    assert image.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters() if parameter.grad is not None)


def test_a_constant_image_has_a_finite_code_with_finite_gradients():
    image = torch.ones(1, 1, 32, 32, requires_grad=True)
    mean, _ = NoiseEncoder(2)(image)
    mean.sum().backward()
    assert mean.isfinite().all()
    assert image.grad.isfinite().all()


@pytest.mark.parametrize("axis", [2, 3])
def test_a_mirrored_image_has_nearly_the_same_code(axis):
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc(49)  # 48 differences along each axis: mirrored windows fall on windows
    assert encoder(image.flip(axis))[0].item() == pytest.approx(encoder(image)[0].item(), abs=0.05)


def test_anatomy_is_hardly_taken_for_noise():
    encoder = NoiseEncoder(2)
    disc = noisy_disc(64, sigma=0.1)
    flat = 1 + 0.1 * torch.randn(1, 1, 64, 64)
    assert encoder(disc)[0].item() == pytest.approx(encoder(flat)[0].item(), abs=0.5)


def test_items_of_a_batch_are_encoded_one_by_one():
    encoder = trained(NoiseEncoder(2, code_channels=2))
    first, second = noisy_disc(32, sigma=0.02), noisy_disc(32, sigma=0.3)
    torch.testing.assert_close(
        encoder(torch.cat([first, second]))[0], torch.cat([encoder(first)[0], encoder(second)[0]])
    )


def test_every_slice_of_a_volume_is_a_measurement():
    encoder = NoiseEncoder(3)
    volume = 1 + 0.1 * torch.randn(1, 1, 24, 24, 4)
    volume[..., 2] = 1 + 0.4 * (volume[..., 2] - 1)
    changed = volume.clone()
    changed[..., 3] = 1 + 4 * (changed[..., 3] - 1)
    assert not torch.allclose(encoder(volume)[0], encoder(changed)[0])


def test_the_code_keeps_its_precision_under_autocast():
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


@pytest.mark.parametrize("channels", [1, 4])
def test_the_noise_level_is_exp_of_a_plus_b_z_and_rises_with_the_code(channels):
    noise_level = NoiseLevel(channels, sigma=0.2, spread=0.5)
    codes = torch.linspace(-3, 3, 7)[:, None].expand(-1, channels)
    sigma = noise_level(codes)
    torch.testing.assert_close(sigma, 0.2 * torch.exp(0.5 * codes[:, 0]))
    assert (sigma.diff() > 0).all()
