"""The physics-guided denoiser: noise levels, scales, and its parts in TorchScript."""

import pytest
import torch

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.protocols import NoiseAwareNetwork
from tests.small_networks import perturbed

SIGMA = 0.1  # the working sigma

SIZES = {"even": (16, 12, 8), "odd": (13, 11, 5), "one slice": (12, 12, 1), "smaller than a cell": (3, 2, 3)}


@pytest.mark.parametrize("working_sigma", [None, SIGMA])
@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_guided_denoiser_accepts_any_volume(make_guided, shape, working_sigma):
    image = torch.rand(1, 1, *shape)
    out = make_guided(working_sigma=working_sigma)(image)
    assert out.shape == image.shape and out.isfinite().all()
    assert not torch.equal(out, image)


@pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES)
def test_untrained_guided_denoiser_returns_its_input(make_guided, shape):
    image = torch.rand(2, 1, *shape)
    denoiser = make_guided(working_sigma=SIGMA, trained=False)
    torch.testing.assert_close(denoiser(image), image)
    torch.testing.assert_close(denoiser(image, denoiser.noise_map(denoiser.noise_cells(image))), image)


@torch.no_grad()
def test_scripted_guided_denoiser_gives_the_same(make_guided):
    image = torch.rand(2, 1, 13, 12, 6)
    denoiser = make_guided(working_sigma=SIGMA).eval()
    perturbed(denoiser.noise_encoder)
    scripted = torch.jit.script(denoiser)
    cells = denoiser.noise_cells(image)
    torch.testing.assert_close(scripted.noise_cells(image), cells)
    (code, log_variance), codes = denoiser.noise_code(cells), denoiser.noise_map(cells)
    torch.testing.assert_close(scripted.noise_code(cells), (code, log_variance))
    torch.testing.assert_close(scripted.noise_map(cells), codes)
    torch.testing.assert_close(scripted.encode_noise(image), code)
    torch.testing.assert_close(scripted(image), denoiser(image))
    for given in (code + 1, codes + 1, upsample_to(codes, image) - 1):
        torch.testing.assert_close(scripted(image, given), denoiser(image, given))
        torch.testing.assert_close(scripted.sigma(given), denoiser.sigma(given))
    parts = denoiser.sigma(code), denoiser.correlation(code), denoiser.coils(code)
    torch.testing.assert_close((scripted.sigma(code), scripted.correlation(code), scripted.coils(code)), parts)
    torch.testing.assert_close(scripted.code_of(*parts), denoiser.code_of(*parts))


def test_only_a_guided_denoiser_is_noise_aware(make_denoiser, make_guided):
    for denoiser, aware in ((make_denoiser(), False), (make_guided(), True)):
        for network in (denoiser, torch.jit.script(denoiser)):
            assert isinstance(network, NoiseAwareNetwork) == aware


def inputs_of(denoiser) -> list[torch.Tensor]:
    """The images that its convolutions see from now on."""
    shown = []
    denoiser.content_encoder.register_forward_pre_hook(lambda _, images: shown.append(images[0]))
    return shown


@pytest.mark.parametrize("sigma", [0.02, 0.5])
def test_convolutions_see_noise_of_the_working_sigma(make_guided, sigma):
    denoiser = make_guided(working_sigma=SIGMA)
    shown = inputs_of(denoiser)
    denoiser(3 + sigma * torch.randn(1, 1, 32, 32, 16))
    assert shown[0].std().item() == pytest.approx(SIGMA, rel=0.06)


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_given_code_sets_the_input_scale(make_guided, sigma):
    denoiser = make_guided(working_sigma=SIGMA)
    shown = inputs_of(denoiser)
    image, sigmas = torch.rand(2, 1, 16, 16, 8), torch.tensor([sigma, 2 * sigma])
    denoiser(image, denoiser.code_of(sigmas, torch.rand(2, 3), torch.ones(2)))
    torch.testing.assert_close(shown[0], image * (SIGMA / sigmas).view(2, 1, 1, 1, 1))


@pytest.mark.parametrize("axis", [2, 4])
def test_code_map_equalises_varying_noise(make_guided, axis):
    denoiser = make_guided(working_sigma=SIGMA)
    rising, shape = [1] * 5, [2, 1, 32, 32, 32]
    rising[axis] = shape[axis] = 96
    noise = torch.linspace(0.05, 0.1, 96).view(rising) * torch.randn(shape)
    shown = inputs_of(denoiser)
    # The map is read from an image of 3 plus noise; the input is the noise alone.
    with torch.no_grad():
        denoiser(noise, denoiser.noise_map(denoiser.noise_cells(3 + noise)))
    first, *_, last = (part.std() for part in noise.chunk(6, axis))
    assert last > 1.6 * first
    for part in shown[0].chunk(6, axis):
        assert part.std().item() == pytest.approx(SIGMA, rel=0.15)


@pytest.mark.parametrize("varying", [False, True], ids=["one code", "a map of codes"])
@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_guided_denoiser_is_equivariant_to_scaling(make_guided, varying, factor):
    denoiser = make_guided(working_sigma=SIGMA)
    for name, parameter in denoiser.generator.named_parameters():
        if "modulation" in name:  # make the generator independent of the code
            torch.nn.init.zeros_(parameter)
    image, code = torch.rand(1, 1, 12, 12, 8), torch.rand(1, 5, *[3] * 3 * varying)
    out = denoiser(image, code)
    assert not torch.allclose(out, image, rtol=0.1)
    scaled = denoiser(factor * image, denoiser.scale_sigma(code, torch.full((1, *[1] * 3 * varying), factor)))
    torch.testing.assert_close(scaled, factor * out, rtol=1e-4, atol=1e-5 * factor)
    # The noise encoder, consistent with the noise level, scales its own code as well.
    torch.testing.assert_close(denoiser(factor * image), factor * denoiser(image), rtol=1e-3, atol=1e-4 * factor)


def test_constant_code_map_equals_a_single_code(make_guided):
    denoiser, image = make_guided(working_sigma=SIGMA), torch.rand(2, 1, 16, 16, 8)
    code = denoiser.encode_noise(image)
    as_map = code[..., None, None, None].expand(-1, -1, 3, 4, 2)
    torch.testing.assert_close(denoiser(image, as_map), denoiser(image, code))


def test_guided_denoiser_is_finite_for_extreme_codes(make_guided):
    denoiser = make_guided(working_sigma=SIGMA, trained=False)
    image = torch.rand(1, 1, 16, 16, 8)
    for extreme in (-1e4, 1e4):
        torch.testing.assert_close(denoiser(image, torch.full((1, 5), extreme)), image)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_guided_denoiser_is_finite_without_noise(make_guided, value):
    denoiser = make_guided(working_sigma=SIGMA)
    image = torch.full((1, 1, 16, 16, 8), value)
    for code in (None, denoiser.noise_map(denoiser.noise_cells(image))):
        assert denoiser(image, code).isfinite().all()
