"""The denoisers of equation (12): guarantees for every input."""

import pytest
import torch

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.networks import PhysicsGuidedDenoiser
from monai_unsup_denoise.protocols import NoiseAwareNetwork

WORKING_SIGMA = 0.1

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


@pytest.mark.parametrize("working_sigma", [None, WORKING_SIGMA])
@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_denoiser_accepts_any_image_size(make_denoiser, shape, working_sigma):
    image = torch.rand(1, 3, *shape)
    out = make_denoiser(len(shape), in_channels=3, working_sigma=working_sigma)(image)
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


KINDS = {
    "published": {"physics": False},
    "physics-guided": {},
    "at a working sigma": {"working_sigma": WORKING_SIGMA},
}


@pytest.mark.parametrize("spatial_dims, shape", [(2, (19, 22)), (3, (13, 12, 6))])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_scripted_denoiser_gives_the_same(make_denoiser, spatial_dims, shape, kind):
    image = torch.rand(2, 3, *shape)
    denoiser = make_denoiser(spatial_dims, in_channels=3, **kind).eval()
    scripted = torch.jit.script(denoiser)
    code, codes = denoiser.encode_noise(image), denoiser.noise_encoder.code_map(image)
    torch.testing.assert_close(scripted.encode_noise(image), code)
    torch.testing.assert_close(scripted(image), denoiser(image))
    for given in (code + 1, codes + 1, upsample_to(codes, image) - 1):
        torch.testing.assert_close(scripted(image, given), denoiser(image, given))
    if isinstance(denoiser, PhysicsGuidedDenoiser):
        torch.testing.assert_close(scripted.encode_noise_map(image), codes)
        for given in (code, codes):
            torch.testing.assert_close(scripted.sigma(given), denoiser.sigma(given))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_only_a_physics_guided_denoiser_is_noise_aware(make_denoiser, kind):
    denoiser = make_denoiser(**kind)
    for network in (denoiser, torch.jit.script(denoiser)):
        assert isinstance(network, NoiseAwareNetwork) == kind.get("physics", True)


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


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_untrained_physics_guided_denoiser_returns_its_input(make_denoiser, shape):
    image = torch.rand(2, 1, *shape)
    denoiser = make_denoiser(len(shape), working_sigma=WORKING_SIGMA, trained=False)
    torch.testing.assert_close(denoiser(image), image)
    torch.testing.assert_close(denoiser(image, denoiser.encode_noise_map(image)), image)


def inputs_of(denoiser) -> list[torch.Tensor]:
    """The images that its convolutions see from now on."""
    shown = []
    denoiser.content_encoder.register_forward_pre_hook(lambda _, images: shown.append(images[0]))
    return shown


@pytest.mark.parametrize("shape", [(128, 128), (64, 64, 8)])
@pytest.mark.parametrize("sigma", [0.005, 0.05, 0.5])
def test_convolutions_see_noise_of_the_working_sigma(make_denoiser, shape, sigma):
    denoiser = make_denoiser(len(shape), working_sigma=WORKING_SIGMA)
    shown = inputs_of(denoiser)
    denoiser(10 + sigma * torch.randn(1, 1, *shape))
    assert shown[0].std().item() == pytest.approx(WORKING_SIGMA, rel=0.06)


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_given_code_sets_the_input_scale(make_denoiser, sigma):
    denoiser = make_denoiser(working_sigma=WORKING_SIGMA)
    shown = inputs_of(denoiser)
    image = torch.rand(2, 1, 32, 32)
    code = denoiser.noise_level.scale_sigma(torch.zeros(2, 2), torch.tensor([sigma, 2 * sigma]) / 0.1)
    denoiser(image, code)
    expected = image * (WORKING_SIGMA / torch.tensor([sigma, 2 * sigma])).view(2, 1, 1, 1)
    torch.testing.assert_close(shown[0], expected)


@pytest.mark.parametrize("shape, axis", [((192, 64), 2), ((64, 192), 3), ((64, 48, 96), 4)])
def test_code_map_equalises_varying_noise(make_denoiser, shape, axis):
    denoiser = make_denoiser(len(shape), working_sigma=WORKING_SIGMA)
    rising = [1] * (2 + len(shape))
    rising[axis] = shape[axis - 2]
    noise = torch.linspace(0.05, 0.1, shape[axis - 2]).view(rising) * torch.randn(4, 1, *shape)
    shown = inputs_of(denoiser)
    # The map is encoded from an image of 10 plus noise; the input is the noise alone.
    denoiser(noise, denoiser.encode_noise_map(10 + noise))
    first, *_, last = (part.std() for part in noise.chunk(6, axis))
    assert last > 1.6 * first
    for part in shown[0].chunk(6, axis):
        assert part.std().item() == pytest.approx(WORKING_SIGMA, rel=0.15)


@pytest.mark.parametrize("shape", [(24, 20), (12, 12, 8)])
@pytest.mark.parametrize("varying", [False, True], ids=["one code", "a map of codes"])
@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_denoiser_is_equivariant_to_intensity_scaling(make_denoiser, shape, varying, factor):
    denoiser = make_denoiser(len(shape), working_sigma=WORKING_SIGMA)
    for name, parameter in denoiser.generator.named_parameters():
        if "modulation" in name:  # make the generator independent of the code
            torch.nn.init.zeros_(parameter)
    image, code = torch.rand(1, 1, *shape), torch.rand(1, 2, *[3] * len(shape) * varying)
    out = denoiser(image, code)
    assert not torch.allclose(out, image, rtol=0.1)
    scaled = denoiser(factor * image, denoiser.noise_level.scale_sigma(code, torch.full((1,), factor)))
    torch.testing.assert_close(scaled, factor * out, rtol=1e-4, atol=1e-5 * factor)
    # The encoder, still consistent with the noise level, scales its own code as well.
    torch.testing.assert_close(denoiser(factor * image), factor * denoiser(image), rtol=1e-3, atol=1e-4 * factor)


def test_constant_code_map_equals_a_single_code(make_denoiser):
    denoiser, image = make_denoiser(working_sigma=WORKING_SIGMA), torch.rand(2, 1, 24, 24)
    code = denoiser.encode_noise(image)
    torch.testing.assert_close(denoiser(image, code[..., None, None].expand(-1, -1, 3, 4)), denoiser(image, code))


def test_denoiser_is_finite_for_extreme_codes(make_denoiser):
    denoiser = make_denoiser(working_sigma=WORKING_SIGMA, trained=False)
    image = torch.rand(1, 1, 16, 16)
    for extreme in (-1e4, 1e4):
        torch.testing.assert_close(denoiser(image, torch.full((1, 2), extreme)), image)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_denoiser_is_finite_for_noise_free_images(make_denoiser, value):
    denoiser = make_denoiser(working_sigma=WORKING_SIGMA)
    image = torch.full((1, 1, 32, 32), value)
    for code in (None, denoiser.encode_noise_map(image)):
        assert denoiser(image, code).isfinite().all()
