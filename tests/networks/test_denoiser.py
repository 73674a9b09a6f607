"""The denoiser of equation (12): what it promises for every input."""

import pytest
import torch

from monai_unsup_denoise.functional import upsample_to

STANDARD = 0.1

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
def test_an_untrained_residual_denoiser_returns_its_input_exactly(make_denoiser, shape):
    image = torch.rand(2, 1, *shape)
    denoiser = make_denoiser(len(shape), trained=False)
    assert torch.equal(denoiser(image), image)


@pytest.mark.parametrize("working_sigma", [None, STANDARD])
@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_any_input_size_comes_back_finite_in_its_own_shape(make_denoiser, shape, working_sigma):
    image = torch.rand(1, 3, *shape)
    out = make_denoiser(len(shape), in_channels=3, working_sigma=working_sigma)(image)
    assert out.shape == image.shape
    assert out.isfinite().all()
    assert not torch.equal(out, image)


def test_without_the_residual_the_image_is_built_from_the_features_alone(make_denoiser):
    image = torch.rand(1, 1, 16, 16)
    denoiser = make_denoiser(residual=False)
    with torch.no_grad():
        denoiser.generator.head.weight.zero_()
        denoiser.generator.head.bias.fill_(0.25)
    torch.testing.assert_close(denoiser(image), torch.full_like(image, 0.25))


def test_the_image_is_padded_with_its_own_edge(make_denoiser):
    shown = []
    denoiser = make_denoiser(trained=False)
    denoiser.content_encoder.register_forward_pre_hook(lambda _, images: shown.append(images[0]))
    image = torch.rand(1, 1, 6, 9)
    denoiser(image)
    assert shown[0].shape == (1, 1, 8, 12)
    assert torch.equal(shown[0][..., :6, 9:], image[..., 8:].expand(-1, -1, -1, 3))
    assert torch.equal(shown[0][..., 6:, :9], image[..., 5:, :].expand(-1, -1, 2, -1))


def test_padding_to_the_coarsest_scale_changes_nothing_far_from_the_edge(make_denoiser):
    image = torch.rand(1, 1, 64, 64)
    denoiser = make_denoiser()
    code = denoiser.encode_noise(image)
    # 61 is padded at its end to 64 again; the receptive field is 37 wide.
    torch.testing.assert_close(
        denoiser(image[..., :61, :61], code)[..., :32, :32], denoiser(image, code)[..., :32, :32]
    )


@pytest.mark.parametrize("training", [True, False])
def test_the_same_input_gives_the_same_output_in_training_and_in_evaluation_mode(make_denoiser, training):
    image = torch.rand(1, 1, 20, 20)
    denoiser = make_denoiser()
    expected = denoiser.eval()(image)
    torch.manual_seed(1)
    assert torch.equal(denoiser.train(training)(image), expected)


KINDS = {
    "with sigma": {"unit": True},
    "without sigma": {"unit": False},
    "at a standard level": {"working_sigma": STANDARD},
}


@pytest.mark.parametrize("spatial_dims, shape", [(2, (19, 22)), (3, (13, 12, 6))])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_scripted_denoiser_gives_the_same(make_denoiser, spatial_dims, shape, kind):
    image = torch.rand(2, 3, *shape)
    denoiser = make_denoiser(spatial_dims, in_channels=3, **kind).eval()
    scripted = torch.jit.script(denoiser)
    code, codes = denoiser.encode_noise(image), denoiser.encode_noise_map(image)
    torch.testing.assert_close(scripted.encode_noise(image), code)
    torch.testing.assert_close(scripted.encode_noise_map(image), codes)
    torch.testing.assert_close(scripted(image), denoiser(image))
    for given in (code + 1, codes + 1, upsample_to(codes, image) - 1):
        torch.testing.assert_close(scripted(image, given), denoiser(image, given))
    if denoiser.noise_level is not None:
        for given in (code, codes):
            torch.testing.assert_close(scripted.sigma(given), denoiser.sigma(given))


def test_items_of_a_batch_do_not_see_each_other(make_denoiser):
    denoiser = make_denoiser()
    weak, strong = 0.05 * torch.rand(1, 1, 24, 24), 2 * torch.rand(1, 1, 24, 24)
    together = denoiser(torch.cat([weak, strong]))
    torch.testing.assert_close(together, torch.cat([denoiser(weak), denoiser(strong)]))


def test_a_given_code_replaces_that_of_the_image(make_denoiser):
    denoiser = make_denoiser()
    image = torch.rand(1, 1, 24, 24)
    code = denoiser.encode_noise(image)
    assert torch.equal(denoiser(image, code), denoiser(image))
    assert not torch.allclose(denoiser(image, code + 1), denoiser(image))


def test_the_code_is_the_mean_and_not_a_sample(make_denoiser):
    denoiser = make_denoiser()
    image = torch.rand(1, 1, 24, 24)
    mean, log_variance = denoiser.noise_encoder(image)
    assert torch.equal(denoiser.encode_noise(image), mean)
    assert log_variance.shape == mean.shape == (1, 2)


def test_a_code_without_unit_has_no_sigma(make_denoiser):
    with pytest.raises(ValueError, match="noise_level"):
        make_denoiser(unit=False).sigma(torch.zeros(1, 2))


def test_the_output_is_a_magnitude_even_where_the_generator_goes_below_zero(make_denoiser):
    denoiser = make_denoiser(trained=False)
    with torch.no_grad():
        denoiser.generator.head.bias.fill_(-0.5)
    image = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(denoiser(image), (image - 0.5).clamp(min=0))


def test_codes_beyond_what_training_draws_are_taken_as_its_limits(make_denoiser):
    denoiser, image = make_denoiser(), torch.rand(1, 1, 16, 16)
    limit = torch.full_like(denoiser.encode_noise(image), 3.0)
    assert torch.equal(denoiser(image, 4 * limit), denoiser(image, limit))
    assert torch.equal(denoiser(image, -4 * limit), denoiser(image, -limit))
    assert not torch.equal(denoiser(image, 0.9 * limit), denoiser(image, limit))


def test_a_standard_level_needs_a_noise_level(make_denoiser):
    with pytest.raises(ValueError, match="working_sigma needs noise_level"):
        make_denoiser(unit=False, working_sigma=STANDARD)


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_an_untrained_residual_denoiser_at_a_standard_level_returns_its_input(make_denoiser, shape):
    image = torch.rand(2, 1, *shape)
    denoiser = make_denoiser(len(shape), working_sigma=STANDARD, trained=False)
    torch.testing.assert_close(denoiser(image), image)
    torch.testing.assert_close(denoiser(image, denoiser.encode_noise_map(image)), image)


def shown_to(denoiser) -> list[torch.Tensor]:
    """The images that its convolutions are shown from now on."""
    shown = []
    denoiser.content_encoder.register_forward_pre_hook(lambda _, images: shown.append(images[0]))
    return shown


@pytest.mark.parametrize("shape", [(128, 128), (64, 64, 8)])
@pytest.mark.parametrize("sigma", [0.005, 0.05, 0.5])
def test_the_convolutions_see_noise_of_the_standard_level_whatever_that_of_the_image(make_denoiser, shape, sigma):
    denoiser = make_denoiser(len(shape), working_sigma=STANDARD)
    shown = shown_to(denoiser)
    denoiser(10 + sigma * torch.randn(1, 1, *shape))
    assert shown[0].std().item() == pytest.approx(STANDARD, rel=0.06)


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_a_given_code_says_by_how_much_the_image_is_scaled(make_denoiser, sigma):
    denoiser = make_denoiser(working_sigma=STANDARD)
    shown = shown_to(denoiser)
    image = torch.rand(2, 1, 32, 32)
    code = denoiser.noise_level.scale_sigma(torch.zeros(2, 2), torch.tensor([sigma, 2 * sigma]) / 0.1)
    denoiser(image, code)
    expected = image * (STANDARD / torch.tensor([sigma, 2 * sigma])).view(2, 1, 1, 1)
    torch.testing.assert_close(shown[0], expected)


@pytest.mark.parametrize("shape, axis", [((192, 64), 2), ((64, 192), 3), ((64, 48, 96), 4)])
def test_with_a_map_of_codes_noise_that_doubles_across_the_image_is_flattened(make_denoiser, shape, axis):
    denoiser = make_denoiser(len(shape), working_sigma=STANDARD)
    rising = [1] * (2 + len(shape))
    rising[axis] = shape[axis - 2]
    noise = torch.linspace(0.05, 0.1, shape[axis - 2]).view(rising) * torch.randn(4, 1, *shape)
    shown = shown_to(denoiser)
    # The noise is told from 10, and shown without it.
    denoiser(noise, denoiser.encode_noise_map(10 + noise))
    first, *_, last = (part.std() for part in noise.chunk(6, axis))
    assert last > 1.6 * first
    for part in shown[0].chunk(6, axis):
        assert part.std().item() == pytest.approx(STANDARD, rel=0.15)


@pytest.mark.parametrize("shape", [(24, 20), (12, 12, 8)])
@pytest.mark.parametrize("varying", [False, True], ids=["one code", "a map of codes"])
@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_a_scaled_image_with_a_code_that_says_so_gives_the_scaled_output(make_denoiser, shape, varying, factor):
    denoiser = make_denoiser(len(shape), working_sigma=STANDARD)
    for name, parameter in denoiser.generator.named_parameters():
        if "modulation" in name:  # the generator looks at the image alone
            torch.nn.init.zeros_(parameter)
    image, code = torch.rand(1, 1, *shape), torch.rand(1, 2, *[3] * len(shape) * varying)
    out = denoiser(image, code)
    assert not torch.allclose(out, image, rtol=0.1)
    scaled = denoiser(factor * image, denoiser.noise_level.scale_sigma(code, torch.full((1,), factor)))
    torch.testing.assert_close(scaled, factor * out, rtol=1e-4, atol=1e-5 * factor)
    # And the encoder, whose scale is still that of the noise level, says so by itself.
    torch.testing.assert_close(denoiser(factor * image), factor * denoiser(image), rtol=1e-3, atol=1e-4 * factor)


def test_a_map_of_equal_codes_is_the_same_as_the_one_code(make_denoiser):
    denoiser, image = make_denoiser(working_sigma=STANDARD), torch.rand(2, 1, 24, 24)
    code = denoiser.encode_noise(image)
    torch.testing.assert_close(denoiser(image, code[..., None, None].expand(-1, -1, 3, 4)), denoiser(image, code))


def test_codes_far_beyond_any_noise_leave_the_output_finite(make_denoiser):
    denoiser = make_denoiser(working_sigma=STANDARD, trained=False)
    image = torch.rand(1, 1, 16, 16)
    for extreme in (-1e4, 1e4):
        torch.testing.assert_close(denoiser(image, torch.full((1, 2), extreme)), image)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_image_without_noise_comes_back_finite(make_denoiser, value):
    denoiser = make_denoiser(working_sigma=STANDARD)
    image = torch.full((1, 1, 32, 32), value)
    for code in (None, denoiser.encode_noise_map(image)):
        assert denoiser(image, code).isfinite().all()
