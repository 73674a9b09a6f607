"""A 3-D network over a volume of any size."""

import itertools

import pytest
import torch
from monai.data import MetaTensor

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import nonlocal_bayes, upsample_to
from monai_unsup_denoise.inference import DenoiseSettings, NoiseEstimate, VolumeInferer
from tests.inference.toy_networks import Convolution, ReturnsSigma, Spy, Unaware, untrained_denoiser

SHAPES = {
    "one window": (16, 16, 16),
    "many windows": (40, 21, 33),
    "smaller than a window": (5, 7, 3),
    "smaller along one axis": (9, 30, 17),
    "one slice": (21, 18, 1),
}
FLIPS = [axes for count in range(4) for axes in itertools.combinations((2, 3, 4), count)]


def network_only(window=(96, 96, 96), *, overlap=0.25, progress=False, **switches) -> VolumeInferer:
    """Without refinement and without looking for the kind of the noise, which have tests of their own."""
    settings = DenoiseSettings(**{"varying_noise": False, "correlated_noise": False, "refine": False} | switches)
    return VolumeInferer(window, overlap=overlap, settings=settings, progress=progress)


@pytest.mark.parametrize("options", [{}, {"self_ensemble": True}, {"varying_noise": False}], ids=str)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_untrained_denoiser_returns_the_volume(shape, options):
    volume = torch.rand(1, 1, *shape)
    out = network_only((16, 16, 16), **options)(volume, untrained_denoiser())
    torch.testing.assert_close(out, volume, atol=1e-5, rtol=0)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_windows_overlap_and_fit_into_the_volume(overlap):
    network, volume = Spy(), torch.rand(1, 1, 40, 10, 24)
    out = network_only((16, 16, 24), overlap=overlap)(volume, network)
    torch.testing.assert_close(out, volume)
    assert {tuple(image.shape) for image in network.images} == {(1, 1, 16, 10, 24)}
    assert len(network.images) == {0.0: 3, 0.25: 3, 0.5: 4}[overlap]


def test_window_centre_outweighs_the_edge_of_its_neighbour():
    # At its edges a window lacks its neighbours: the layer looks one voxel far, and sees zeros there.
    network, volume = Convolution(), 1 + torch.rand(1, 1, 60, 42, 42)
    out = network_only((24, 24, 24))(volume, network, noise=NoiseEstimate(torch.ones(1, 1)))
    whole = network.layer(volume)
    assert len(network.images) == 3 * 2 * 2
    assert (network.layer(volume[:, :, :24]) - whole[:, :, :24]).abs().max() > 0.2 * whole.max()
    torch.testing.assert_close(out, whole, atol=0.02 * whole.max().item(), rtol=0)


@pytest.mark.parametrize("varying", [True, False])
def test_noise_is_estimated_once_from_the_whole_volume(varying):
    network, volumes = Spy(), torch.rand(2, 1, 30, 20, 20)
    network_only((16, 16, 16), varying_noise=varying, self_ensemble=True)(volumes, network)
    assert len(network.encoded) == 2
    assert all(torch.equal(seen, volume) for seen, volume in zip(network.encoded, volumes.split(1), strict=True))


def test_every_window_gets_the_code_of_the_volume():
    network, volume = Spy(), torch.rand(1, 1, 40, 20, 20)
    volume[:, :, 20:] *= 10
    network_only((16, 16, 16), varying_noise=False)(volume, network)
    codes = torch.cat([code.flatten() for code in network.codes])
    torch.testing.assert_close(codes, volume.std().expand_as(codes))


@pytest.mark.parametrize("mirrored", [False, True])
def test_each_voxel_gets_its_code_of_the_map(mirrored):
    volume = torch.rand(1, 1, 40, 20, 21)
    code = torch.rand(1, 1, 3, 2, 4)
    out = network_only((16, 16, 16), self_ensemble=mirrored)(volume, ReturnsSigma(), noise=NoiseEstimate(code))
    torch.testing.assert_close(out, upsample_to(code, volume))


def test_given_estimate_replaces_a_new_one():
    network = Spy()
    network_only((16, 16, 16))(torch.rand(1, 1, 20, 20, 20), network, noise=NoiseEstimate(torch.tensor([[0.7]])))
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
        def __call__(self, image, code):
            return super().__call__(image * code, code)

    network, volume = TimesCode(), torch.rand(1, 1, 27, 22, 18)
    plain, mirrored = (network_only((16, 16, 16), self_ensemble=mirrored) for mirrored in (False, True))
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
    out = VolumeInferer((16, 16, 16))(volume, Spy(factor=0.9), noise=NoiseEstimate(code))
    sigma = upsample_to(code, volume)[0, 0].expand(20, 9, 10)
    expected = nonlocal_bayes(volume[0, 0], 0.9 * volume[0, 0], sigma)
    assert not torch.allclose(expected, 0.9 * volume[0, 0], atol=1e-2)
    torch.testing.assert_close(out[0, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("setting", ["refine", "varying_noise", "correlated_noise", "keep_floor"])
def test_unaware_network_refuses_what_needs_sigma(setting):
    volume = torch.rand(1, 1, 9, 8, 7)
    assert network_only().estimate_noise(volume, Unaware()).sigma is None
    torch.testing.assert_close(network_only()(volume, Unaware()), volume)
    with pytest.raises(InputError, match=f"{setting}: this model does not estimate the noise level"):
        network_only(**{setting: True})(volume, Unaware())


@pytest.mark.parametrize("mirrored", [False, True])
def test_result_is_never_negative(mirrored):
    volume = torch.rand(1, 1, 20, 9, 9)
    out = network_only((16, 16, 16), self_ensemble=mirrored)(volume, Spy(shift=-0.5))
    torch.testing.assert_close(out, (volume - 0.5).clamp(min=0), atol=1e-6, rtol=0)


def test_volumes_of_a_batch_are_denoised_one_by_one():
    volumes = torch.rand(2, 1, 20, 9, 9) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1, 1)
    inferer = network_only((16, 16, 16))
    together = inferer(volumes, ReturnsSigma())
    torch.testing.assert_close(together, torch.cat([inferer(volume, ReturnsSigma()) for volume in volumes.split(1)]))
    assert not torch.allclose(together[0], together[1])


def test_network_never_sees_a_meta_tensor():
    network = Spy()
    network_only((16, 16, 16))(MetaTensor(torch.rand(1, 1, 20, 4, 5)), network)
    assert {type(image) for image in network.encoded + network.images + network.codes} == {torch.Tensor}


def test_progress_is_shown_on_request_on_a_terminal(capsys, monkeypatch):
    for terminal, progress in itertools.product((False, True), repeat=2):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal, raising=False)
        network_only((16, 16, 16), progress=progress)(torch.rand(1, 1, 20, 20, 5), Spy())
        assert bool(capsys.readouterr().err) == (terminal and progress)
