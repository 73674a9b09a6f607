"""The generator that knows the physics: its noise has the moments of the Rician model."""

import math

import pytest
import torch

from monai_unsup_denoise.networks import NoiseLevel, RicianGenerator

CODES = torch.tensor([[-1.0], [0.5], [2.0]])


def moments(image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return image.flatten(1).mean(1), image.flatten(1).square().mean(1)


@pytest.mark.parametrize("shape", [(256, 256), (64, 64, 16)])
def test_in_air_the_mean_is_sigma_root_half_pi_for_the_sigma_that_each_code_says(shape):
    noise_level = NoiseLevel(sigma=0.1)
    noisy = RicianGenerator(noise_level)([torch.zeros(3, 1, *shape)], CODES)
    expected = noise_level(CODES) * math.sqrt(math.pi / 2)
    torch.testing.assert_close(moments(noisy)[0], expected, rtol=0.01, atol=0)


def test_the_second_moment_is_that_of_the_amplitude_plus_twice_that_of_the_noise():
    noise_level = NoiseLevel(sigma=0.1)
    noisy = RicianGenerator(noise_level)([torch.full((3, 1, 256, 256), 0.7)], CODES)
    torch.testing.assert_close(moments(noisy)[1], 0.49 + 2 * noise_level(CODES).square(), rtol=0.01, atol=0)


def test_the_smooth_map_stays_within_its_variation_and_differs_between_images():
    torch.manual_seed(1)
    code = torch.zeros(4, 1)
    noisy = RicianGenerator(NoiseLevel(sigma=0.1), variation=3.0)([torch.zeros(4, 64, 64, 64)], code)
    sigma = (noisy.square().mean(1) / 2).sqrt()  # (4, H, W), each of 64 channels
    sigma = torch.nn.functional.avg_pool2d(sigma[:, None], 8).flatten(1)
    least, most = sigma.amin(1), sigma.amax(1)
    assert (most / least <= 3.0 * 1.05).all()
    assert (most / least > 1.3).all()
    assert (least > 0.1 / math.sqrt(3) * 0.95).all()
    assert (most < 0.1 * math.sqrt(3) * 1.05).all()
    assert not torch.allclose(sigma[0], sigma[1], rtol=0.1)


def test_without_variation_the_noise_is_stationary():
    noisy = RicianGenerator(NoiseLevel(sigma=0.1))([torch.zeros(1, 256, 32, 32)], torch.zeros(1, 1))
    sigma = torch.nn.functional.avg_pool2d((noisy.square().mean(1) / 2).sqrt(), 8)
    torch.testing.assert_close(sigma, torch.full_like(sigma, 0.1), rtol=0.03, atol=0)


def test_the_gradient_reaches_the_parameters_of_the_noise_level_and_the_code():
    noise_level = NoiseLevel(sigma=0.1)
    code = torch.ones(1, 1, requires_grad=True)
    RicianGenerator(noise_level)([torch.zeros(1, 1, 64, 64)], code).mean().backward()
    # In air the mean is proportional to sigma, so d mean / d log sigma is the mean itself.
    mean = 0.1 * math.exp(0.7) * math.sqrt(math.pi / 2)
    assert noise_level.offset.grad.item() == pytest.approx(mean, rel=0.05)
    assert noise_level.slope.grad.item() == pytest.approx(mean, rel=0.05)
    assert code.grad.item() == pytest.approx(0.7 * mean, rel=0.05)


def test_the_amplitude_is_the_image_of_the_content_or_that_of_its_own_generator():
    class Half(torch.nn.Module):
        def forward(self, content, code):
            return 0.5 * content[0]

    content, code = [torch.ones(1, 1, 64, 64), torch.rand(1, 4, 64, 64)], torch.zeros(1, 1)
    noise_level = NoiseLevel(sigma=1e-4)
    assert RicianGenerator(noise_level)(content, code).mean().item() == pytest.approx(1.0, abs=1e-3)
    with_own = RicianGenerator(noise_level, image_generator=Half())
    assert with_own(content, code).mean().item() == pytest.approx(0.5, abs=1e-3)


def test_the_noise_is_new_at_every_call_and_leaves_the_content_alone():
    content = [torch.rand(1, 1, 16, 16)]
    before = content[0].clone()
    generator = RicianGenerator(NoiseLevel())
    assert not torch.equal(generator(content, torch.zeros(1, 1)), generator(content, torch.zeros(1, 1)))
    assert torch.equal(content[0], before)
