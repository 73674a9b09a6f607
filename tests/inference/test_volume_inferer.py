"""A 3-D network over a volume of any size."""

import itertools
import math
from functools import partial

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor, decollate_batch
from scipy.stats import rice

from monai_unsup_denoise import engines
from monai_unsup_denoise.functional import add_rician_noise, nonlocal_bayes, residual_noise_map, upsample_to
from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DisentangledDenoiser,
    NoiseEncoder,
    NoiseLevel,
)

# the second look, and what is found out of the noise, have tests of their own
VolumeInferer = partial(engines.VolumeInferer, fast=True, varying_noise=False, noise_stride=(1, 1, 1))
SHAPES = {
    "one window": (16, 16, 16),
    "many windows": (40, 21, 33),
    "smaller than a window": (5, 7, 3),
    "smaller along one axis": (9, 30, 17),
    "one slice": (21, 18, 1),
}
FLIPS = [axes for count in range(4) for axes in itertools.combinations((2, 3, 4), count)]


class Spy:
    """Multiplies by a number and adds one; its code is the standard deviation, and sigma is the code itself."""

    def __init__(self, *, factor=1.0, shift=0.0):
        self.factor, self.shift = factor, shift
        self.encoded, self.images, self.codes = [], [], []

    def encode_noise(self, image):
        self.encoded.append(image)
        return image.flatten(1).std(dim=1, keepdim=True)

    def encode_noise_map(self, image):
        self.encoded.append(image)
        rows = torch.nn.functional.adaptive_avg_pool3d(image, (2, 2, 2))
        return 0.1 + rows

    def sigma(self, code):
        return code[:, 0]

    def scale_sigma(self, code, gain):
        return code * gain.unsqueeze(1)

    def __call__(self, image, code):
        self.images.append(image)
        self.codes.append(code)
        return self.factor * image + self.shift


class Convolution(Spy):
    """One layer of random weights, which looks one voxel far and to no side as to the other."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv3d(1, 1, 3, padding=1, bias=False).requires_grad_(False)
        self.layer.weight.uniform_(0, 1 / 27)

    def __call__(self, image, code):
        return self.layer(super().__call__(image, code))


class SaysItsCode(Spy):
    def __call__(self, image, code):
        return torch.zeros_like(image) + super().sigma(code).unsqueeze(1)


@pytest.fixture
def untrained() -> DisentangledDenoiser:
    return DisentangledDenoiser(
        ContentEncoder(3, 1, channels=(4, 6, 8)),
        NoiseEncoder(3, channels=4),
        ContentGenerator(3, 1, code_channels=1, channels=(4, 6, 8)),
        NoiseLevel(),
        working_sigma=0.1,
    ).requires_grad_(False)


@pytest.mark.parametrize("options", [{}, {"mirrored": True}, {"varying_noise": False}], ids=str)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_real_denoiser_that_is_untrained_returns_the_volume(untrained, shape, options):
    volume = torch.rand(1, 1, *shape)
    out = VolumeInferer((16, 16, 16), **options)(volume, untrained)
    torch.testing.assert_close(out, volume, atol=1e-5, rtol=0)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
def test_windows_overlap_and_are_no_larger_than_the_volume(overlap):
    network, volume = Spy(), torch.rand(1, 1, 40, 10, 24)
    out = VolumeInferer((16, 16, 24), overlap=overlap)(volume, network)
    torch.testing.assert_close(out, volume)
    assert {tuple(image.shape) for image in network.images} == {(1, 1, 16, 10, 24)}
    assert len(network.images) == {0.0: 3, 0.25: 3, 0.5: 4}[overlap]


def test_where_windows_overlap_the_edge_of_one_gives_way_to_the_middle_of_the_other():
    # At its edges a window lacks its neighbours: the layer looks one voxel far, and sees zeros there.
    network, volume = Convolution(), 1 + torch.rand(1, 1, 60, 42, 42)
    out = VolumeInferer((24, 24, 24))(volume, network, code=torch.ones(1, 1))
    whole = network.layer(volume)
    assert len(network.images) == 3 * 2 * 2
    assert (network.layer(volume[:, :, :24]) - whole[:, :, :24]).abs().max() > 0.2 * whole.max()
    torch.testing.assert_close(out, whole, atol=0.02 * whole.max().item(), rtol=0)


@pytest.mark.parametrize("varying", [True, False])
def test_the_noise_is_read_once_from_the_whole_volume(varying):
    network, volumes = Spy(), torch.rand(2, 1, 30, 20, 20)
    VolumeInferer((16, 16, 16), varying_noise=varying, mirrored=True)(volumes, network)
    assert len(network.encoded) == 2
    assert all(torch.equal(seen, volume) for seen, volume in zip(network.encoded, volumes.split(1), strict=True))


def test_one_code_for_the_volume_is_the_same_in_every_window():
    network, volume = Spy(), torch.rand(1, 1, 40, 20, 20)
    volume[:, :, 20:] *= 10
    VolumeInferer((16, 16, 16), varying_noise=False)(volume, network)
    codes = torch.cat([code.flatten() for code in network.codes])
    torch.testing.assert_close(codes, volume.std().expand_as(codes))


@pytest.mark.parametrize("mirrored", [False, True])
def test_each_voxel_has_the_code_of_its_own_place_on_the_map(mirrored):
    volume = torch.rand(1, 1, 40, 20, 21)
    code = torch.rand(1, 1, 3, 2, 4)
    out = VolumeInferer((16, 16, 16), mirrored=mirrored)(volume, SaysItsCode(), code=code)
    torch.testing.assert_close(out, upsample_to(code, volume))


@pytest.mark.parametrize("varying, dimensions", [(True, 5), (False, 2)])
def test_the_code_has_spatial_axes_only_if_the_noise_may_vary(untrained, varying, dimensions):
    volume = torch.rand(1, 1, 24, 20, 8)
    code = VolumeInferer(varying_noise=varying).noise_code(volume, untrained)
    assert code.dim() == dimensions and code.shape[:2] == (1, 1)
    if varying:
        first = untrained.encode_noise_map(volume)
        denoised = VolumeInferer()(volume, untrained, code=first)
        sigma = untrained.sigma(upsample_to(first, volume)).unsqueeze(1)
        expected = residual_noise_map(volume, denoised, sigma, first.shape[2:])
        torch.testing.assert_close(untrained.sigma(code), expected[:, 0])
    else:
        assert torch.equal(code, untrained.encode_noise(volume))
    assert type(VolumeInferer(varying_noise=varying).noise_code(MetaTensor(volume), untrained)) is torch.Tensor


class Oracle(Spy):
    """Knows the clean image, and takes the noise for a tenth more than it is."""

    def __init__(self, clean, sigma):
        super().__init__()
        self.clean, self.wrong = clean, 1.1 * sigma

    def encode_noise_map(self, image):
        return torch.nn.functional.adaptive_avg_pool3d(self.wrong, (6, 6, 24))

    def __call__(self, image, code):
        return self.clean.clone()


def test_varying_noise_is_read_again_off_what_a_first_denoising_removes():
    clean = torch.zeros(1, 1, 24, 24, 24)
    clean[..., 8:] = 1.0
    sigma = torch.full_like(clean, 0.15)
    noisy = add_rician_noise(clean, sigma)
    oracle = Oracle(clean, sigma)
    found = oracle.sigma(upsample_to(VolumeInferer(varying_noise=True).noise_code(noisy, oracle), noisy))
    assert (found / sigma[:, 0]).mean().item() == pytest.approx(1, abs=0.03)


class Rising(Oracle):
    """Its map of the noise level rises evenly along the first axis, its one number is the middle of it."""

    def __init__(self, clean, factor, level=0.1):
        place = torch.linspace(-0.5, 0.5, clean.shape[2]).view(-1, 1, 1)
        super().__init__(clean, level * (factor**place).expand_as(clean))

    def encode_noise(self, image):
        return torch.full((1, 1), self.wrong.log().mean().exp().item())


@pytest.mark.parametrize(("factor", "dimensions"), [(1.0, 2), (1.3, 2), (2.0, 5), (3.0, 5)])
def test_noise_that_varies_gets_a_map_and_noise_that_does_not_one_number(factor, dimensions):
    clean = torch.ones(1, 1, 48, 24, 24)
    clean[..., :4] = 0
    network = Rising(clean, factor)
    noisy = add_rician_noise(clean, 0.1)
    code = engines.VolumeInferer(fast=True, noise_stride=(1, 1, 1)).noise_code(noisy, network)
    assert code.dim() == dimensions
    chosen = VolumeInferer(varying_noise=dimensions == 5).noise_code(noisy, network)
    assert torch.equal(code, chosen)


def test_of_next_to_no_noise_one_number_is_read():
    clean = torch.ones(1, 1, 48, 24, 24)
    clean[..., :4] = 0
    inferer = engines.VolumeInferer(fast=True, noise_stride=(1, 1, 1))
    assert inferer.noise_code(add_rician_noise(clean, 0.1), Rising(clean, 3.0, level=0.001)).dim() == 2


class Reader(Spy):
    """Reads the noise level as Immerkaer does."""

    def encode_noise(self, image):
        return image.diff(dim=2).diff(dim=3).square().mean((2, 3, 4)).sqrt() / 2


@pytest.mark.parametrize("axis", [2, 3, 4])
def test_the_noise_is_read_from_every_second_voxel_where_neighbours_have_like_noise(axis):
    white = 0.1 * torch.randn(1, 1, 41, 41, 41)
    volume = 1 + (white + white.roll(1, dims=axis)) / 2**0.5
    network = Reader()
    out = VolumeInferer(noise_stride=None)(volume, network)
    torch.testing.assert_close(out, volume)
    code = network.encode_noise(volume.index_select(axis, torch.arange(0, 41, 2)))
    assert code.item() == pytest.approx(0.1, rel=0.02)
    torch.testing.assert_close(network.codes[0].unique(), code.flatten())
    torch.testing.assert_close(VolumeInferer().noise_code(volume, network), network.encode_noise(volume))


def test_white_noise_is_read_from_every_voxel():
    network, volume = Reader(), 1 + 0.1 * torch.randn(1, 1, 40, 41, 42)
    assert torch.equal(VolumeInferer(noise_stride=None).noise_code(volume, network), network.encode_noise(volume))


def test_a_given_code_is_used_and_none_is_read():
    network = Spy()
    VolumeInferer((16, 16, 16))(torch.rand(1, 1, 20, 20, 20), network, code=torch.tensor([[0.7]]))
    assert network.encoded == []
    assert torch.cat([code.flatten() for code in network.codes]).unique().tolist() == pytest.approx([0.7])


def test_mirrored_shows_the_network_the_eight_mirror_images():
    network, volume = Spy(), torch.rand(1, 1, 6, 5, 4)
    VolumeInferer(mirrored=True)(volume, network)
    assert len(network.images) == 8
    for flip in FLIPS:
        assert sum(torch.equal(image, volume.flip(flip)) for image in network.images) == 1


def test_mirrored_is_the_mean_of_the_predictions_mirrored_back():
    network, volume = Convolution(), torch.rand(1, 1, 9, 8, 7)
    out = VolumeInferer(mirrored=True)(volume, network)
    expected = torch.stack([network.layer(volume.flip(flip)).flip(flip) for flip in FLIPS]).mean(0)
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("code", [torch.ones(1, 1), torch.rand(1, 1, 2, 3, 2)], ids=["one code", "a map of codes"])
def test_mirrored_a_flipped_volume_gives_the_flipped_result(code):
    class TimesCode(Convolution):
        def __call__(self, image, code):
            return super().__call__(image * code, code)

    network, volume = TimesCode(), torch.rand(1, 1, 27, 22, 18)
    plain, mirrored = (VolumeInferer((16, 16, 16), mirrored=mirrored) for mirrored in (False, True))
    out = mirrored(volume, network, code=code)
    for flip in FLIPS[1:]:
        of_flipped = code.flip(flip) if code.dim() == 5 else code
        torch.testing.assert_close(mirrored(volume.flip(flip), network, code=of_flipped), out.flip(flip))
    assert not torch.allclose(plain(volume.flip(2), network, code=code), plain(volume, network, code=code).flip(2))


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_with_the_floor_kept_air_is_at_the_mean_of_its_noise(sigma):
    out = VolumeInferer((16, 16, 16), keep_floor=True)(
        torch.rand(1, 1, 20, 9, 9), Spy(factor=0.0), code=torch.tensor([[sigma]])
    )
    torch.testing.assert_close(out, torch.full_like(out, sigma * math.sqrt(math.pi / 2)))


def test_with_the_floor_kept_every_voxel_is_the_mean_of_rician_noise_of_its_own_level():
    volume, code = 2 * torch.rand(1, 1, 20, 9, 10), 0.1 + torch.rand(1, 1, 2, 3, 1)
    out = VolumeInferer((16, 16, 16), keep_floor=True)(volume, Spy(), code=code)
    sigma = upsample_to(code, volume).double()
    expected = torch.from_numpy(rice.mean((volume / sigma).numpy(), scale=sigma.numpy()))
    torch.testing.assert_close(out, expected.float())
    torch.testing.assert_close(VolumeInferer((16, 16, 16))(volume, Spy(), code=code), volume)


@pytest.mark.parametrize("floor", [False, True])
def test_unless_fast_the_result_is_the_pilot_of_a_second_look_at_the_noisy_volume(floor):
    volume, code = 1 + torch.rand(1, 1, 20, 9, 10), 0.1 + torch.rand(1, 1, 2, 3, 1)
    network = Spy(factor=0.9)
    out = engines.VolumeInferer((16, 16, 16), keep_floor=floor)(volume, network, code=code)
    sigma = upsample_to(code, volume)[0, 0].expand(20, 9, 10)
    expected = nonlocal_bayes(volume[0, 0], 0.9 * volume[0, 0], sigma)
    assert not torch.allclose(expected, 0.9 * volume[0, 0], atol=1e-2)
    if floor:
        expected = torch.from_numpy(rice.mean((expected / sigma).numpy(), scale=sigma.numpy())).float()
    torch.testing.assert_close(out[0, 0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_result_is_never_negative(mirrored):
    volume = torch.rand(1, 1, 20, 9, 9)
    out = VolumeInferer((16, 16, 16), mirrored=mirrored)(volume, Spy(shift=-0.5))
    torch.testing.assert_close(out, (volume - 0.5).clamp(min=0), atol=1e-6, rtol=0)


def test_volumes_of_a_batch_are_denoised_one_by_one():
    volumes = torch.rand(2, 1, 20, 9, 9) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1, 1)
    inferer = VolumeInferer((16, 16, 16))
    together = inferer(volumes, SaysItsCode())
    torch.testing.assert_close(together, torch.cat([inferer(volume, SaysItsCode()) for volume in volumes.split(1)]))
    assert not torch.allclose(together[0], together[1])


def test_metadata_of_every_volume_of_a_batch_is_kept():
    affines = [torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0])) * factor for factor in (1, 2)]
    items = [
        {"image": MetaTensor(torch.rand(1, 4, 4, 5), affine=affine, meta={"filename_or_obj": f"{index}.nii"})}
        for index, affine in enumerate(affines)
    ]
    (batch,) = DataLoader(Dataset(items), batch_size=2)
    out = VolumeInferer()(batch["image"], Spy())
    assert isinstance(out, MetaTensor)
    for volume, item in zip(decollate_batch(out), items, strict=True):
        torch.testing.assert_close(volume.affine, item["image"].affine)
        assert volume.meta["filename_or_obj"] == item["image"].meta["filename_or_obj"]
        torch.testing.assert_close(volume.as_tensor(), item["image"].as_tensor())


def test_a_plain_tensor_comes_back_plain_and_is_left_alone():
    volume = torch.rand(1, 1, 20, 4, 5)
    before = volume.clone()
    assert type(VolumeInferer((16, 16, 16))(volume, Spy(shift=-1.0))) is torch.Tensor
    assert torch.equal(volume, before)


def test_the_network_never_sees_a_meta_tensor():
    network = Spy()
    VolumeInferer((16, 16, 16))(MetaTensor(torch.rand(1, 1, 20, 4, 5)), network)
    assert {type(image) for image in network.encoded + network.images + network.codes} == {torch.Tensor}


@pytest.mark.parametrize("shape", [(1, 2, 8, 8, 8), (1, 8, 8, 8), (8, 8, 8)])
def test_anything_but_volumes_of_one_channel_is_an_error(shape):
    with pytest.raises(ValueError, match=r"\(B, 1, H, W, D\) expected"):
        VolumeInferer()(torch.rand(shape), Spy())


def test_a_progress_bar_is_shown_only_where_it_is_asked_for_on_a_terminal(capsys, monkeypatch):
    for terminal, progress in itertools.product((False, True), repeat=2):
        monkeypatch.setattr("sys.stderr.isatty", lambda terminal=terminal: terminal, raising=False)
        VolumeInferer((16, 16, 16), progress=progress)(torch.rand(1, 1, 20, 20, 5), Spy())
        assert bool(capsys.readouterr().err) == (terminal and progress)
