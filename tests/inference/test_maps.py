"""Maps beside a denoised volume: noise level, what was removed, and the error to expect."""

import math
from functools import partial

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Invertd

from monai_unsup_denoise import engines
from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.inference.maps import OUTPUT_MAPS, OutputMapsd, sigma_map, uncertainty_map
from monai_unsup_denoise.networks import (
    ContentEncoder,
    ContentGenerator,
    DisentangledDenoiser,
    NoiseEncoder,
    NoiseLevel,
)
from monai_unsup_denoise.transforms import ScaleToReferenceIntensityd

VolumeInferer = partial(engines.VolumeInferer, fast=True)  # what the maps make of a network, without a second look


@pytest.fixture
def untrained() -> DisentangledDenoiser:
    """Returns its input."""
    return DisentangledDenoiser(
        ContentEncoder(3, 1, channels=(4, 6)),
        NoiseEncoder(3, channels=4),
        ContentGenerator(3, 1, code_channels=1, channels=(4, 6)),
        NoiseLevel(sigma=0.2),
        working_sigma=0.1,
    ).requires_grad_(False)


@pytest.fixture
def normalize() -> ScaleToReferenceIntensityd:
    return ScaleToReferenceIntensityd("image")


@pytest.fixture
def item(normalize) -> dict[str, MetaTensor]:
    """A scan in multiples of its reference, and a denoised one."""
    scan = MetaTensor(
        900 + 30 * torch.randn(1, 20, 18, 7).abs(),
        affine=torch.diag(torch.tensor([1.0, 2.0, 3.0, 1.0])),
        meta={"filename_or_obj": "scan.nii"},
    )
    image = normalize({"image": scan})["image"]
    return {"image": image, "pred": (0.9 * image).clone(), "scan": scan}


class Known:
    """Multiplies by a number; the noise level is the code itself, and must have been given."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def encode_noise_map(self, image):
        raise AssertionError("the code was given")

    encode_noise = encode_noise_map

    def sigma(self, code):
        return code[:, 0]

    def __call__(self, image, code):
        return self.factor * image


class MeanOfNeighbours(Known):
    """Of 27 voxels."""

    def __call__(self, image, code):
        return torch.nn.functional.avg_pool3d(torch.nn.functional.pad(image, [1] * 6, mode="replicate"), 3, stride=1)


def uncertainty(denoised, sigma, network=None, **options):
    code = sigma if isinstance(sigma, torch.Tensor) else torch.tensor([[sigma]])
    return uncertainty_map(denoised, code, network=network or Known(), inferer=VolumeInferer(), **options)


def interior(image: torch.Tensor, margin: int = 6) -> torch.Tensor:
    return image[..., margin:-margin, margin:-margin, margin:-margin]


@pytest.mark.parametrize("varying", [True, False])
def test_the_sigma_map_is_what_the_network_says_of_the_volume(item, untrained, varying):
    inferer = VolumeInferer(varying_noise=varying)
    made = OutputMapsd(["sigma"], network=untrained, inferer=inferer)(item)["sigma"]
    image = item["image"].as_tensor()[None]
    if varying:
        expected = upsample_to(untrained.sigma(inferer.noise_code(image, untrained))[:, None], image)[0]
        assert made.std() > 0
    else:
        expected = untrained.sigma(untrained.encode_noise(image)).expand_as(made)
    assert made.shape == item["image"].shape
    torch.testing.assert_close(made.as_tensor(), expected)


def test_the_sigma_map_lies_as_the_volume_does():
    code = torch.tensor([0.1, 0.3]).view(1, 1, 1, 2, 1)
    level = sigma_map(torch.empty(1, 1, 4, 20, 6), code, Known())
    assert level.shape == (1, 1, 4, 20, 6)
    for part, expected in ((level[:, :, :, :5], 0.1), (level[:, :, :, -5:], 0.3)):
        torch.testing.assert_close(part, torch.full_like(part, expected))


def test_the_residual_and_the_denoised_volume_together_are_the_scan(item, untrained):
    made = OutputMapsd(["residual"], network=untrained, inferer=VolumeInferer())(item)
    torch.testing.assert_close((made["residual"] + made["pred"]).as_tensor(), item["image"].as_tensor())
    torch.testing.assert_close(made["residual"].as_tensor(), 0.1 * item["image"].as_tensor())


def test_of_a_denoiser_that_does_nothing_the_error_in_bright_tissue_is_the_noise(untrained):
    denoised = torch.full((1, 1, 26, 22, 20), 2.0)
    code = untrained.noise_level.scale_sigma(torch.zeros(1, 1), torch.tensor([0.5]))  # half of 0.2
    made = uncertainty_map(denoised, code, network=untrained, inferer=VolumeInferer((20, 22, 20)))
    assert made.shape == denoised.shape
    torch.testing.assert_close(interior(made), torch.full_like(interior(made), 0.1), rtol=0.2, atol=0)
    assert interior(made).square().mean().sqrt().item() == pytest.approx(0.1, rel=0.05)


def test_of_a_denoiser_that_does_nothing_the_error_in_air_is_the_root_of_two_times_the_noise():
    made = uncertainty(torch.zeros(1, 1, 32, 32, 32), 0.1)
    assert interior(made).square().mean().sqrt().item() == pytest.approx(0.1 * math.sqrt(2), rel=0.03)


def test_where_the_noise_is_higher_so_is_the_error():
    sigma = torch.tensor([0.05, 0.2]).view(1, 1, 1, 1, 2)
    made = uncertainty(torch.full((1, 1, 24, 24, 60), 5.0), sigma)
    expected = upsample_to(sigma, made)
    torch.testing.assert_close(interior(made).mean((2, 3)), interior(expected).mean((2, 3)), rtol=0.1, atol=0)


@pytest.mark.parametrize("factor, expected", [(0.0, 1.0), (0.5, math.sqrt(0.5**2 + 0.1**2 / 4))])
def test_bias_counts_as_well_as_noise(factor, expected):
    made = uncertainty(torch.ones(1, 1, 32, 32, 32), 0.1, Known(factor))
    assert interior(made).square().mean().sqrt().item() == pytest.approx(expected, rel=0.02)


def test_the_mean_of_27_voxels_is_the_surer_by_the_root_of_27():
    made = uncertainty(torch.full((1, 1, 32, 32, 32), 5.0), 0.1, MeanOfNeighbours(), repeats=8)
    assert interior(made).square().mean().sqrt().item() == pytest.approx(0.1 / math.sqrt(27), rel=0.1)


@pytest.mark.parametrize("shape", [(24, 24, 24), (24, 24, 1), (3, 30, 30)])
def test_the_error_is_as_high_at_the_border_as_within(shape):
    made = uncertainty(torch.full((1, 1, *shape), 5.0), 0.1, repeats=16)
    for axis in (2, 3, 4):
        for place in (0, shape[axis - 2] // 2, -1):
            layer = made.select(axis, place)
            assert layer.square().mean().sqrt().item() == pytest.approx(0.1, rel=0.1)


def test_the_same_seed_gives_the_same_map_and_takes_nothing_from_the_random_state_of_others():
    denoised = torch.rand(1, 1, 12, 12, 6)
    before = torch.get_rng_state()
    first, again = (uncertainty(denoised, 0.1, repeats=2, seed=3) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.allclose(first, uncertainty(denoised, 0.1, repeats=2, seed=4))


def test_each_repeat_has_noise_of_its_own():
    rough, fine = (uncertainty(torch.full((1, 1, 32, 32, 32), 5.0), 0.1, repeats=repeats) for repeats in (1, 16))
    assert interior(fine).std() < 0.4 * interior(rough).std()


def test_unknown_maps_are_named_with_those_there_are(untrained):
    with pytest.raises(ValueError, match=r"\['noise', 'snr'\] unknown; choose from \['sigma', 'residual', 'unc"):
        OutputMapsd(["snr", "sigma", "noise"], network=untrained, inferer=VolumeInferer())


def test_where_no_map_is_asked_for_nothing_is_added_and_nothing_computed(item):
    made = OutputMapsd([], network=Known(), inferer=VolumeInferer())(item)
    assert made.keys() == item.keys()
    assert all(made[key] is item[key] for key in item)


@pytest.mark.parametrize("name", OUTPUT_MAPS)
def test_each_map_has_the_metadata_and_the_trace_of_the_image(item, untrained, normalize, name):
    made = OutputMapsd([name], network=untrained, inferer=VolumeInferer())(item)[name]
    assert isinstance(made, MetaTensor) and made.meta == item["image"].meta
    assert made.applied_operations == item["image"].applied_operations != []
    in_scanner_units = normalize.inverse({"image": made.clone()})["image"]
    torch.testing.assert_close(in_scanner_units.as_tensor(), item["image"].meta["reference"] * made.as_tensor())


def test_inverted_the_maps_are_in_scanner_units_with_the_geometry_of_the_scan(item, untrained, normalize):
    item["pred"] = item["image"].clone()
    given = item["image"].clone()
    made = OutputMapsd(OUTPUT_MAPS, network=untrained, inferer=VolumeInferer())(item)
    assert set(made) == {*item, *OUTPUT_MAPS}
    normalized = {name: made[name].as_tensor().clone() for name in OUTPUT_MAPS}
    # As in inference.json.
    invert = Invertd(keys=["pred", *OUTPUT_MAPS], orig_keys="image", transform=normalize, nearest_interp=False)
    inverted = invert(made)
    reference = item["image"].meta["reference"]
    for name in OUTPUT_MAPS:
        torch.testing.assert_close(inverted[name].as_tensor(), reference * normalized[name])
        torch.testing.assert_close(inverted[name].affine, item["scan"].affine)
        assert inverted[name].meta["filename_or_obj"] == "scan.nii"
        assert inverted[name].applied_operations == []
    torch.testing.assert_close((inverted["pred"] + inverted["residual"]).as_tensor(), item["scan"].as_tensor())
    assert torch.equal(item["image"], given) and item["image"].applied_operations == given.applied_operations != []
