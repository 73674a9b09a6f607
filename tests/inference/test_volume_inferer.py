"""A 3-D network over a volume of any size."""

import itertools

import pytest
import torch
from monai.data import MetaTensor

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import add_rician_noise, nonlocal_bayes, upsample_to
from monai_unsup_denoise.inference import Denoiser, DenoiseSettings, NoiseEstimate, VolumeInferer, autocast_dtype
from tests.inference.toy_networks import Convolution, ReturnsSigma, Spy, Unaware, untrained_denoiser

SHAPES = {
    "one tile": (16, 16, 16),
    "many tiles": (40, 21, 33),
    "smaller than the grid": (5, 7, 3),
    "smaller along one axis": (9, 30, 17),
    "one slice": (21, 18, 1),
}
FLIPS = [axes for count in range(4) for axes in itertools.combinations((2, 3, 4), count)]


def network_only(tile_voxels=1_000_000, *, halo=8, progress=False, **switches) -> VolumeInferer:
    """Without refinement and without looking for the kind of the noise, which have tests of their own."""
    settings = DenoiseSettings(**{"varying_noise": False, "refine": False} | switches)
    return VolumeInferer(tile_voxels, halo=halo, settings=settings, progress=progress)


@pytest.mark.parametrize("options", [{}, {"self_ensemble": True}, {"varying_noise": False}], ids=str)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_untrained_denoiser_returns_the_volume(shape, options):
    volume = torch.rand(1, 1, *shape)
    out = network_only(20_000, **options)(volume, untrained_denoiser())
    torch.testing.assert_close(out, volume, atol=1e-5, rtol=0)


def test_tiles_are_computed_with_their_halo():
    network, volume = Spy(), torch.rand(1, 1, 40, 10, 24)
    torch.testing.assert_close(network_only(32 * 10 * 24)(volume, network), volume)
    assert [tuple(image.shape[2:]) for image in network.images] == [(32, 10, 24), (24, 10, 24)]


@pytest.mark.parametrize("code", [torch.full((1, 5), 0.3), torch.randn(1, 5, 3, 2, 4)], ids=["one code", "a map"])
def test_tiles_give_the_result_of_the_whole_volume(code):
    """A random network of the bundle's kind, whose results depend on voxels up to 32 away."""
    network = untrained_denoiser()
    for parameter in network.parameters():
        parameter.copy_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())))
    volume = torch.rand(1, 1, 96, 20, 32, generator=torch.Generator().manual_seed(0))
    noise = NoiseEstimate(code)
    whole = network_only()(volume, network, noise=noise)
    tiled = network_only(80 * 20 * 32, halo=32)(volume, network, noise=noise)
    assert (whole - volume).abs().max() > 0.1
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=1e-5)


def noisy_cubes(*counts: int) -> torch.Tensor:
    """Noisy cubes of 8 voxels, each of another intensity, and sigma 0.1."""
    clean = torch.rand(1, 1, *counts, generator=torch.Generator().manual_seed(0))
    for axis in (2, 3, 4):
        clean = clean.repeat_interleave(8, axis)
    return add_rician_noise(clean, 0.1, generator=torch.Generator().manual_seed(1))


def test_halo_of_bundled_network_is_wide_enough():
    network, volume = Denoiser.from_bundle(device="cpu").network, noisy_cubes(13, 3, 3)
    noise = NoiseEstimate(network.encode_noise(volume))
    whole, tiled = (network_only(side * 24**2, halo=16)(volume, network, noise=noise) for side in (104, 72))
    assert (tiled - whole).abs().max() < 0.001 * 0.1
    assert (network_only(56 * 24**2, halo=0)(volume, network, noise=noise) - whole).abs().max() > 0.1 * 0.1


@pytest.mark.skipif(autocast_dtype("cpu") is None, reason="needs AVX-512: without it bfloat16 is emulated, in minutes")
def test_bfloat16_differs_by_a_hundredth_of_sigma():
    network, volume, inferer = Denoiser.from_bundle(device="cpu").network, noisy_cubes(6, 6, 6), network_only()
    noise = NoiseEstimate(network.encode_noise(volume))
    exact = inferer(volume, network, noise=noise)
    inferer.autocast = torch.bfloat16
    difference = inferer(volume, network, noise=noise) - exact
    assert 0 < difference.square().mean().sqrt() < 0.01 * 0.1


@pytest.mark.parametrize("varying", [True, False])
def test_noise_is_estimated_once_from_the_whole_volume(varying):
    network, volumes = Spy(), torch.rand(2, 1, 30, 20, 20)
    network_only(20_000, varying_noise=varying, self_ensemble=True)(volumes, network)
    assert len(network.encoded) == 2
    assert all(torch.equal(seen, volume) for seen, volume in zip(network.encoded, volumes.split(1), strict=True))


def test_every_tile_gets_the_code_of_the_volume():
    network, volume = Spy(), torch.rand(1, 1, 40, 20, 20)
    volume[:, :, 20:] *= 2
    network_only(20_000, varying_noise=False)(volume, network)
    codes = torch.cat([code.flatten() for code in network.codes])
    torch.testing.assert_close(codes, volume.std().expand_as(codes))


@pytest.mark.parametrize("mirrored", [False, True])
def test_each_voxel_gets_its_code_of_the_map(mirrored):
    volume = torch.rand(1, 1, 40, 20, 21)
    code = torch.rand(1, 1, 3, 2, 4)
    out = network_only(20_000, self_ensemble=mirrored)(volume, ReturnsSigma(), noise=NoiseEstimate(code))
    torch.testing.assert_close(out, upsample_to(code, volume))


def test_given_estimate_replaces_a_new_one():
    network = Spy()
    network_only(20_000)(torch.rand(1, 1, 20, 20, 20), network, noise=NoiseEstimate(torch.tensor([[0.7]])))
    assert network.encoded == []
    assert torch.cat([code.flatten() for code in network.codes]).unique().tolist() == pytest.approx([0.7])


def test_self_ensemble_shows_the_eight_mirror_images():
    network, volume = Spy(), torch.rand(1, 1, 6, 5, 4)
    network_only(self_ensemble=True)(volume, network)
    assert len(network.images) == 8
    for flip in FLIPS:
        assert sum(torch.equal(image, volume.flip(flip)) for image in network.images) == 1


def test_self_ensemble_averages_predictions_mirrored_back():
    network, volume = Convolution(), torch.rand(1, 1, 9, 8, 7)
    out = network_only(self_ensemble=True)(volume, network)
    expected = torch.stack([network.layer(volume.flip(flip)).flip(flip) for flip in FLIPS]).mean(0)
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("code", [torch.ones(1, 1), torch.rand(1, 1, 2, 3, 2)], ids=["one code", "a map of codes"])
def test_self_ensemble_commutes_with_flips(code):
    class TimesCode(Convolution):
        def __call__(self, image, code, mean_code=None):
            return super().__call__(image * code, code)

    network, volume = TimesCode(), torch.rand(1, 1, 27, 22, 18)
    plain, mirrored = (network_only(20_000, self_ensemble=mirrored) for mirrored in (False, True))
    out = mirrored(volume, network, noise=NoiseEstimate(code))
    for flip in FLIPS[1:]:
        of_flipped = code.flip(flip) if code.dim() == 5 else code
        torch.testing.assert_close(
            mirrored(volume.flip(flip), network, noise=NoiseEstimate(of_flipped)), out.flip(flip)
        )
    noise = NoiseEstimate(code)
    assert not torch.allclose(plain(volume.flip(2), network, noise=noise), plain(volume, network, noise=noise).flip(2))


def test_refinement_takes_the_network_output_as_pilot():
    volume, code = 1 + torch.rand(1, 1, 20, 9, 10), 0.1 + torch.rand(1, 1, 2, 3, 1)
    out = VolumeInferer()(volume, Spy(factor=0.9), noise=NoiseEstimate(code))
    sigma = upsample_to(code, volume)[0, 0].expand(20, 9, 10)
    expected = nonlocal_bayes(volume[0, 0], 0.9 * volume[0, 0], sigma)
    assert not torch.allclose(expected, 0.9 * volume[0, 0], atol=1e-2)
    torch.testing.assert_close(out[0, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("setting", ["refine", "varying_noise", "keep_floor"])
def test_unaware_network_refuses_what_needs_sigma(setting):
    volume = torch.rand(1, 1, 9, 8, 7)
    assert network_only().estimate_noise(volume, Unaware()).sigma is None
    torch.testing.assert_close(network_only()(volume, Unaware()), volume)
    with pytest.raises(InputError, match=f"{setting}: this model does not estimate the noise level"):
        network_only(**{setting: True})(volume, Unaware())


@pytest.mark.parametrize("mirrored", [False, True])
def test_result_is_never_negative(mirrored):
    volume = torch.rand(1, 1, 20, 9, 9)
    out = network_only(20_000, self_ensemble=mirrored)(volume, Spy(shift=-0.5))
    torch.testing.assert_close(out, (volume - 0.5).clamp(min=0), atol=1e-6, rtol=0)


def test_volumes_of_a_batch_are_denoised_one_by_one():
    volumes = torch.rand(2, 1, 20, 9, 9) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1, 1)
    inferer = network_only(20_000)
    together = inferer(volumes, ReturnsSigma())
    torch.testing.assert_close(together, torch.cat([inferer(volume, ReturnsSigma()) for volume in volumes.split(1)]))
    assert not torch.allclose(together[0], together[1])


def test_network_never_sees_a_meta_tensor():
    network = Spy()
    network_only(20_000)(MetaTensor(torch.rand(1, 1, 20, 4, 5)), network)
    assert {type(image) for image in network.encoded + network.images + network.codes} == {torch.Tensor}


def test_progress_is_shown_on_request_on_a_terminal(capsys, monkeypatch):
    for terminal, progress in itertools.product((False, True), repeat=2):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal, raising=False)
        network_only(20_000, progress=progress)(torch.rand(1, 1, 20, 20, 5), Spy())
        assert bool(capsys.readouterr().err) == (terminal and progress)


def test_sides_that_are_no_multiple_are_computed_without_padding():
    network, volume = Spy(), torch.rand(1, 1, 37, 21, 24)
    network.downsampling = 4
    torch.testing.assert_close(network_only()(volume, network), volume)
    assert len(network.images) == 4
    assert all(side % 4 == 0 for image in network.images for side in image.shape[2:])
