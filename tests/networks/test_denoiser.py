"""The denoiser of equation (12): guarantees for every input."""

import pytest
import torch

SIZES = {
    "even": (32, 24),
    "odd": (31, 29),
    "smaller than the noise encoder's window": (5, 7),
    "smaller than the coarsest scale": (3, 2),
    "3-D": (16, 12, 8),
    "3-D and odd": (13, 11, 5),
    "3-D with one slice": (12, 12, 1),
}


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_untrained_residual_denoiser_returns_its_input(make_denoiser, shape):
    image = torch.rand(2, 1, *shape)
    denoiser = make_denoiser(len(shape), trained=False)
    assert torch.equal(denoiser(image), image)


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_denoiser_accepts_any_image_size(make_denoiser, shape):
    image = torch.rand(1, 3, *shape)
    out = make_denoiser(len(shape), in_channels=3)(image)
    assert out.shape == image.shape
    assert out.isfinite().all()
    assert not torch.equal(out, image)


def test_generator_without_residual_ignores_the_image(make_denoiser):
    image = torch.rand(1, 1, 16, 16)
    denoiser = make_denoiser(residual=False)
    with torch.no_grad():
        denoiser.generator.head.weight.zero_()
        denoiser.generator.head.bias.fill_(0.25)
    torch.testing.assert_close(denoiser(image), torch.full_like(image, 0.25))


def test_denoiser_pads_by_reflection(make_denoiser):
    shown = []
    denoiser = make_denoiser(trained=False)
    denoiser.content_encoder.register_forward_pre_hook(lambda _, images: shown.append(images[0]))
    image = torch.rand(1, 1, 6, 9)
    denoiser(image)
    assert shown[0].shape == (1, 1, 8, 12)
    assert torch.equal(shown[0][..., :6, 9:], image[..., 5:8].flip(-1))
    assert torch.equal(shown[0][..., 6:, :9], image[..., 3:5, :].flip(-2))


def test_padding_changes_nothing_far_from_the_edge(make_denoiser):
    image = torch.rand(1, 1, 64, 64)
    denoiser = make_denoiser()
    code = denoiser.encode_noise(image)
    # 61 is padded at its end to 64 again; the receptive field is 37 wide.
    torch.testing.assert_close(
        denoiser(image[..., :61, :61], code)[..., :32, :32], denoiser(image, code)[..., :32, :32]
    )


@pytest.mark.parametrize("training", [True, False])
def test_denoiser_is_deterministic_in_both_modes(make_denoiser, training):
    image = torch.rand(1, 1, 20, 20)
    denoiser = make_denoiser()
    expected = denoiser.eval()(image)
    torch.manual_seed(1)
    assert torch.equal(denoiser.train(training)(image), expected)


@pytest.mark.parametrize("spatial_dims, shape", [(2, (19, 22)), (3, (13, 12, 6))])
def test_scripted_denoiser_gives_the_same(make_denoiser, spatial_dims, shape):
    image = torch.rand(2, 3, *shape)
    denoiser = make_denoiser(spatial_dims, in_channels=3).eval()
    scripted = torch.jit.script(denoiser)
    code = denoiser.encode_noise(image)
    torch.testing.assert_close(scripted.encode_noise(image), code)
    torch.testing.assert_close(scripted(image), denoiser(image))
    torch.testing.assert_close(scripted(image, code + 1), denoiser(image, code + 1))


def test_denoiser_treats_images_separately(make_denoiser):
    denoiser = make_denoiser()
    weak, strong = 0.05 * torch.rand(1, 1, 24, 24), 2 * torch.rand(1, 1, 24, 24)
    together = denoiser(torch.cat([weak, strong]))
    torch.testing.assert_close(together, torch.cat([denoiser(weak), denoiser(strong)]))


def test_given_code_replaces_that_of_the_image(make_denoiser):
    denoiser = make_denoiser()
    image = torch.rand(1, 1, 24, 24)
    code = denoiser.encode_noise(image)
    assert torch.equal(denoiser(image, code), denoiser(image))
    assert not torch.allclose(denoiser(image, code + 1), denoiser(image))


def test_noise_code_is_the_mean_not_a_sample(make_denoiser):
    denoiser = make_denoiser()
    image = torch.rand(1, 1, 24, 24)
    mean, log_variance = denoiser.noise_encoder(image)
    assert torch.equal(denoiser.encode_noise(image), mean)
    assert log_variance.shape == mean.shape == (1, 2)


def test_denoiser_output_is_never_negative(make_denoiser):
    denoiser = make_denoiser(trained=False)
    with torch.no_grad():
        denoiser.generator.head.bias.fill_(-0.5)
    image = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(denoiser(image), (image - 0.5).clamp(min=0))


def test_denoiser_clamps_codes_to_the_training_range(make_denoiser):
    denoiser, image = make_denoiser(), torch.rand(1, 1, 16, 16)
    limit = torch.full_like(denoiser.encode_noise(image), 3.0)
    assert torch.equal(denoiser(image, 4 * limit), denoiser(image, limit))
    assert torch.equal(denoiser(image, -4 * limit), denoiser(image, -limit))
    assert not torch.equal(denoiser(image, 0.9 * limit), denoiser(image, limit))
