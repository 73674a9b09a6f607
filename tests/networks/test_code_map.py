"""Maps of the noise code: spatially varying noise, masks and small images."""

import math

import pytest
import torch

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.networks import NoiseEncoder, NoiseLevel
from tests.networks.noise_cases import noisy_disc, trained


def level_map(encoder: NoiseEncoder, image: torch.Tensor) -> torch.Tensor:
    """Noise level ``(B, *grid)`` that an untrained encoder and noise level estimate."""
    with torch.no_grad():
        return NoiseLevel()(encoder.code_map(image))


WHITE = {"2-D": (8, 128, 128), "3-D": (1, 64, 64, 16)}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("truth", [0.01, 0.3])
@pytest.mark.parametrize("shape", WHITE.values(), ids=WHITE)
def test_map_of_white_noise_is_its_standard_deviation(shape, truth, channels):
    encoder = NoiseEncoder(len(shape) - 1, code_channels=channels)
    level = level_map(encoder, 10 + truth * torch.randn(1, *shape))
    assert level[0].numel() > 100
    torch.testing.assert_close(level, torch.full_like(level, truth), rtol=0.06, atol=0)


@pytest.mark.parametrize("shape", WHITE.values(), ids=WHITE)
def test_mean_of_the_map_is_the_code_of_stationary_noise(shape):
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
def test_map_follows_noise_that_doubles_across_the_image(shape, axis):
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
    assert (read / line - 1).abs().max() < 0.05  # constant along the other axes


@pytest.mark.parametrize("spatial_dims, shape", [(2, (33, 40)), (3, (20, 18, 6))])
@pytest.mark.parametrize("factor", [0.1, 7.0])
def test_map_is_affine_in_the_log_of_the_scale(spatial_dims, shape, factor):
    encoder = trained(NoiseEncoder(spatial_dims, code_channels=3))
    image = 0.5 + torch.rand(2, 2, *shape)
    step = encoder.code_map(factor * image) - encoder.code_map(image)
    expected = encoder.mean_weight[:, 0] * math.log(factor)
    torch.testing.assert_close(step, expected.view(1, -1, *[1] * spatial_dims).expand_as(step), atol=3e-4, rtol=0)


def test_map_of_a_masked_area_has_the_mean_level():
    image = 10 + 0.05 * torch.randn(1, 8, 192, 128)
    image[:, :, 64:] = 0
    level = level_map(NoiseEncoder(2), image)
    torch.testing.assert_close(level, torch.full_like(level, 0.05), rtol=0.06, atol=0)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_map_of_a_noise_free_image_is_finite(value):
    encoder = trained(NoiseEncoder(2))
    image = torch.full((1, 1, 32, 32), value, requires_grad=True)
    codes = encoder.code_map(image)
    codes.sum().backward()
    assert codes.isfinite().all() and image.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("shape", [(5, 7), (3, 2), (2, 40), (3, 4, 2), (12, 12, 1), (40, 9, 3)])
def test_map_exists_for_images_smaller_than_a_window(shape):
    encoder = trained(NoiseEncoder(len(shape), code_channels=2))
    codes = encoder.code_map(torch.rand(3, 1, *shape))
    assert codes.shape[:2] == (3, 2) and codes.dim() == 2 + len(shape)
    assert all(nodes <= side for nodes, side in zip(codes.shape[2:], shape, strict=True))
    assert codes.isfinite().all()


@pytest.mark.parametrize("shape", [(45, 61), (61, 37, 5)])
def test_map_turns_with_the_image(shape):
    encoder = trained(NoiseEncoder(len(shape)))
    levels = torch.rand(1, 1, *[2] * len(shape))
    image = 1 + upsample_to(levels, torch.empty(1, 1, *shape)) * torch.randn(1, 1, *shape)
    codes = encoder.code_map(image)
    assert codes.std() > 0.05
    torch.testing.assert_close(encoder.code_map(image.transpose(2, 3)), codes.transpose(2, 3))
    for axis in (2, 3):  # sides of 4 n + 1: mirrored windows fall on windows
        torch.testing.assert_close(encoder.code_map(image.flip(axis)), codes.flip(axis), atol=0.02, rtol=0)


def test_map_treats_images_separately():
    encoder = trained(NoiseEncoder(2, code_channels=2))
    first, second = noisy_disc(48, sigma=0.02), noisy_disc(48, sigma=0.3)
    together = encoder.code_map(torch.cat([first, second]))
    torch.testing.assert_close(together, torch.cat([encoder.code_map(first), encoder.code_map(second)]))


@pytest.mark.parametrize("shape", [(37, 50), (5, 7), (24, 20, 6)])
def test_scripted_encoder_gives_the_same_map(shape):
    encoder = trained(NoiseEncoder(len(shape), code_channels=2))
    image = torch.rand(2, 3, *shape)
    torch.testing.assert_close(torch.jit.script(encoder).code_map(image), encoder.code_map(image))


def test_map_keeps_its_precision_under_autocast():
    encoder = trained(NoiseEncoder(2))
    image = noisy_disc(64)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = encoder.code_map(image)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, encoder.code_map(image), atol=0.03, rtol=0)


def test_map_trains_all_parameters_it_uses():
    encoder = trained(NoiseEncoder(2))
    encoder.code_map(noisy_disc(64)).square().sum().backward()
    parameters = {name: p for name, p in encoder.named_parameters() if not name.startswith("log_variance")}
    assert all(parameter.grad.abs().sum() > 0 for parameter in parameters.values())
