"""The noise encoder: what the code may depend on, and what not."""

import math

import pytest
import torch

from monai_unsup_denoise.functional import add_rician_noise, upsample_to
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


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid", [(4, 5), (4, 5, 3)])
def test_the_noise_level_of_a_map_is_that_of_each_of_its_codes(channels, grid):
    noise_level = NoiseLevel(channels, sigma=0.2)
    torch.nn.init.normal_(noise_level.slope)
    codes = torch.randn(2, channels, *grid)
    sigma = noise_level(codes)
    assert sigma.shape == (2, *grid)
    one_by_one = codes.flatten(2).transpose(1, 2).reshape(-1, channels)
    torch.testing.assert_close(sigma.flatten(), noise_level(one_by_one))


GAINS = {"one code": ((), ()), "a map": ((3, 4), (3, 4)), "a map, one gain each": ((3, 4, 2), (1, 1, 1))}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("grid, of_gain", GAINS.values(), ids=GAINS)
def test_an_amplified_code_says_gain_times_the_noise_and_is_the_nearest_that_does(channels, grid, of_gain):
    noise_level = NoiseLevel(channels, sigma=0.2)
    torch.nn.init.normal_(noise_level.slope)
    codes, gain = torch.randn(2, channels, *grid), 0.5 + 2 * torch.rand(2, *of_gain)
    amplified = noise_level.scale_sigma(codes, gain)
    assert amplified.shape == codes.shape
    torch.testing.assert_close(noise_level(amplified), gain * noise_level(codes))
    least = torch.linalg.pinv(noise_level.slope.detach()[None, :])[:, 0]  # of all steps of log sigma by 1
    expected = torch.einsum("k,b...->bk...", least, gain.log()).expand_as(codes)
    torch.testing.assert_close(amplified - codes, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.jit.script(noise_level).scale_sigma(codes, gain), amplified)


def test_amplifying_teaches_the_noise_level_nothing():
    noise_level = NoiseLevel(2)
    codes = torch.zeros(1, 2, requires_grad=True)
    noise_level.scale_sigma(codes, torch.tensor([2.0])).sum().backward()
    assert noise_level.slope.grad is None and noise_level.offset.grad is None
    torch.testing.assert_close(codes.grad, torch.ones(1, 2))


def level_map(encoder: NoiseEncoder, image: torch.Tensor) -> torch.Tensor:
    """Noise level ``(B, *grid)`` that an untrained encoder and noise level read from an image."""
    with torch.no_grad():
        return NoiseLevel(len(encoder.mean_bias))(encoder.code_map(image))


WHITE = {"2-D": (8, 128, 128), "3-D": (1, 64, 64, 16)}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("truth", [0.01, 0.3])
@pytest.mark.parametrize("shape", WHITE.values(), ids=WHITE)
def test_the_map_says_the_standard_deviation_of_white_noise_everywhere(shape, truth, channels):
    encoder = NoiseEncoder(len(shape) - 1, code_channels=channels)
    level = level_map(encoder, 10 + truth * torch.randn(1, *shape))
    assert level[0].numel() > 100
    torch.testing.assert_close(level, torch.full_like(level, truth), rtol=0.06, atol=0)


@pytest.mark.parametrize("shape", WHITE.values(), ids=WHITE)
def test_the_mean_of_the_map_is_the_code_of_the_image_where_noise_is_stationary(shape):
    encoder = trained(NoiseEncoder(len(shape) - 1, code_channels=2))
    image = 10 + 0.1 * torch.randn(2, *shape)
    torch.testing.assert_close(encoder.code_map(image).flatten(2).mean(-1), encoder(image)[0], atol=0.03, rtol=0)


RAMPS = {
    "2-D, along the first axis": ((4, 192, 64), 0),
    "2-D, along the second": ((4, 64, 192), 1),
    "3-D, along the first": ((1, 192, 32, 16), 0),
    "3-D, along the slices": ((1, 32, 32, 128), 2),
}


@pytest.mark.parametrize("shape, axis", RAMPS.values(), ids=RAMPS)
def test_the_map_follows_a_level_that_doubles_across_the_image(shape, axis):
    spatial = shape[1:]
    rising = [1] * len(spatial)
    rising[axis] = spatial[axis]
    truth = torch.linspace(0.05, 0.1, spatial[axis])
    image = 10 + truth.view(rising) * torch.randn(1, *shape)
    read = (
        upsample_to(level_map(NoiseEncoder(len(spatial)), image)[:, None], image)[0, 0].movedim(axis, -1).flatten(0, -2)
    )
    torch.testing.assert_close(read, truth.expand_as(read), rtol=0.15, atol=0)
    line, middle = read.mean(0), spatial[axis] // 2
    torch.testing.assert_close(line[middle], truth[middle], rtol=0.05, atol=0)
    assert line[-1] > 1.5 * line[0]
    assert (read / line - 1).abs().max() < 0.05  # and does not vary along the others


@pytest.mark.parametrize("spatial_dims, shape", [(2, (33, 40)), (3, (20, 18, 6))])
@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_the_map_is_affine_in_the_logarithm_of_the_scale(spatial_dims, shape, factor):
    encoder = trained(NoiseEncoder(spatial_dims, code_channels=3))
    image = 0.5 + torch.rand(2, 2, *shape)
    step = encoder.code_map(factor * image) - encoder.code_map(image)
    expected = encoder.mean_weight[:, 0] * math.log(factor)
    torch.testing.assert_close(step, expected.view(1, -1, *[1] * spatial_dims).expand_as(step), atol=3e-4, rtol=0)


def test_where_all_is_masked_the_map_has_the_level_of_the_rest():
    image = 10 + 0.05 * torch.randn(1, 8, 192, 128)
    image[:, :, 64:] = 0
    level = level_map(NoiseEncoder(2), image)
    torch.testing.assert_close(level, torch.full_like(level, 0.05), rtol=0.06, atol=0)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_map_of_an_image_without_noise_is_finite_with_finite_gradients(value):
    encoder = trained(NoiseEncoder(2))
    image = torch.full((1, 1, 32, 32), value, requires_grad=True)
    codes = encoder.code_map(image)
    codes.sum().backward()
    assert codes.isfinite().all() and image.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("shape", [(5, 7), (3, 2), (2, 40), (3, 4, 2), (12, 12, 1), (40, 9, 3)])
def test_an_image_smaller_than_a_window_has_a_map_too(shape):
    encoder = trained(NoiseEncoder(len(shape), code_channels=2))
    codes = encoder.code_map(torch.rand(3, 1, *shape))
    assert codes.shape[:2] == (3, 2) and codes.dim() == 2 + len(shape)
    assert all(nodes <= side for nodes, side in zip(codes.shape[2:], shape, strict=True))
    assert codes.isfinite().all()


@pytest.mark.parametrize("shape", [(45, 61), (61, 37, 5)])
def test_the_map_turns_with_the_image(shape):
    encoder = trained(NoiseEncoder(len(shape)))
    levels = torch.rand(1, 1, *[2] * len(shape))
    image = 1 + upsample_to(levels, torch.empty(1, 1, *shape)) * torch.randn(1, 1, *shape)
    codes = encoder.code_map(image)
    assert codes.std() > 0.05
    torch.testing.assert_close(encoder.code_map(image.transpose(2, 3)), codes.transpose(2, 3))
    for axis in (2, 3):  # sides of 4 n + 1: mirrored windows fall on windows
        torch.testing.assert_close(encoder.code_map(image.flip(axis)), codes.flip(axis), atol=0.02, rtol=0)


def test_maps_of_a_batch_are_made_one_by_one():
    encoder = trained(NoiseEncoder(2, code_channels=2))
    first, second = noisy_disc(48, sigma=0.02), noisy_disc(48, sigma=0.3)
    together = encoder.code_map(torch.cat([first, second]))
    torch.testing.assert_close(together, torch.cat([encoder.code_map(first), encoder.code_map(second)]))


@pytest.mark.parametrize("shape", [(37, 50), (5, 7), (24, 20, 6)])
def test_the_scripted_encoder_gives_the_same_map(shape):
    encoder = trained(NoiseEncoder(len(shape), code_channels=2))
    image = torch.rand(2, 3, *shape)
    torch.testing.assert_close(torch.jit.script(encoder).code_map(image), encoder.code_map(image))


def test_the_map_keeps_its_precision_under_autocast():
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc(64)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoder.code_map(image)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, encoder.code_map(image), atol=0.03, rtol=0)


def test_all_that_a_map_is_made_of_can_learn():
    encoder = trained(NoiseEncoder(2))
    encoder.code_map(noisy_disc(64)).square().sum().backward()
    parameters = {name: p for name, p in encoder.named_parameters() if not name.startswith("log_variance")}
    assert all(parameter.grad.abs().sum() > 0 for parameter in parameters.values())
