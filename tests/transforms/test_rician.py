"""Rician noise as MONAI transforms: what is drawn is recorded, what is recorded is applied."""

import math

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, MetaTensor
from monai.transforms import Compose, Flipd, RandFlipd, ScaleIntensityd, Spacingd

from monai_unsup_denoise.transforms import AddRicianNoise, AddRicianNoised, RandRician, RandRiciand, reference_intensity

AFFINE = torch.tensor([[0.0, 2, 0, 5], [1, 0, 0, -3], [0, 0, 4, 7], [0, 0, 0, 1]], dtype=torch.float64)


def phantom(scale: float = 1.0, *, name: str = "/data/a.nii.gz") -> MetaTensor:
    """Air around a block of 0.5 with a bright core of 1.0, times `scale`."""
    image = torch.zeros(1, 40, 40, 24)
    image[:, 8:32, 8:32, 4:20] = 0.5
    image[:, 16:24, 16:24, 8:16] = 1.0
    return MetaTensor(image * scale, affine=AFFINE, meta={"filename_or_obj": name})


def measured_sigma(noisy: torch.Tensor, clean: torch.Tensor) -> float:
    """From the second moment: E[m^2] - A^2 = 2 sigma^2."""
    return math.sqrt((noisy.double().square() - clean.double().square()).mean().item() / 2)


def rand(seed: int = 0, **settings) -> RandRician:
    return RandRician(**settings).set_random_state(seed)


EVERY_KIND = [
    lambda: rand(level_range=(5, 30)),
    lambda: rand(levels=[15]),
    lambda: rand(sigma_range=(0.05, 0.2)),
    lambda: rand(sigmas=[0.1], variation=2.0),
    lambda: rand(level_range=(5, 30), prob=0.0),
    lambda: AddRicianNoise(15),
    lambda: AddRicianNoise(sigma=0.1),
]


@pytest.mark.parametrize("make", EVERY_KIND)
def test_the_caller_s_image_is_unchanged_and_geometry_kept(make):
    image = phantom()
    before, meta = image.as_tensor().clone(), dict(image.meta)
    noisy = make()(image)
    assert torch.equal(image.as_tensor(), before)
    assert image.meta.keys() == meta.keys() and "sigma" not in image.meta
    assert isinstance(noisy, MetaTensor) and noisy.dtype == torch.float32 and noisy.shape == image.shape
    assert torch.equal(noisy.affine, AFFINE) and noisy.meta["filename_or_obj"] == "/data/a.nii.gz"
    assert noisy.data_ptr() != image.data_ptr()


@pytest.mark.parametrize("make", EVERY_KIND)
def test_the_recorded_sigma_is_the_measured_one(make):
    image = phantom()
    noisy = make()(image)
    recorded = noisy.meta["sigma"]
    assert isinstance(recorded, torch.Tensor) and recorded.dtype == torch.float32
    expected = recorded.double().square().mean().sqrt().item()
    assert measured_sigma(noisy, image) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("make", EVERY_KIND)
def test_a_seed_replays_the_draw(make):
    first, again = make()(phantom()), make()(phantom())
    assert torch.equal(first, again)
    assert torch.equal(first.meta["sigma"], again.meta["sigma"])


def test_successive_draws_differ_and_the_last_one_can_be_applied_again():
    transform, image = rand(level_range=(5, 30)), phantom()
    first, second = transform(image), transform(image)
    assert not torch.equal(first, second) and first.meta["sigma"] != second.meta["sigma"]
    assert torch.equal(transform(image, randomize=False), second)


@pytest.mark.parametrize("scale", [1.0, 800.0])
@pytest.mark.parametrize(
    "reference, intensity",
    [
        ("maximum", lambda x: x.max().item()),
        ("percentile", lambda x: reference_intensity(x, 40).item()),
        (2.0, lambda x: 2.0),
    ],
)
def test_a_level_is_a_percentage_of_its_reference(reference, intensity, scale):
    image = phantom(scale)
    expected = 0.2 * intensity(image.as_tensor())
    for transform in (
        AddRicianNoise(20, reference=reference, percentile=40),
        rand(levels=[20], reference=reference, percentile=40),
    ):
        noisy = transform(image)
        assert noisy.meta["sigma"].item() == pytest.approx(expected, rel=1e-6)
        if scale == 1:
            assert measured_sigma(noisy, image) == pytest.approx(expected, rel=0.02)
    assert reference_intensity(image.as_tensor(), 40) < image.max()


@pytest.mark.parametrize("settings, factor", [({"level_range": (5, 30)}, 100), ({"sigma_range": (5, 30)}, 1)])
def test_a_range_is_covered_and_not_left(settings, factor):
    transform, image = rand(**settings), MetaTensor(torch.ones(1, 2, 2))
    drawn = np.array([transform(image).meta["sigma"].item() * factor for _ in range(300)])
    assert 5 <= drawn.min() < 6 and 29 < drawn.max() <= 30
    assert drawn.mean() == pytest.approx(17.5, abs=1.5)


@pytest.mark.parametrize("settings, factor", [({"levels": (5, 30)}, 100), ({"sigmas": [5, 30]}, 1)])
def test_a_list_is_chosen_from(settings, factor):
    transform, image = rand(**settings), MetaTensor(torch.ones(1, 2, 2))
    drawn = {round(transform(image).meta["sigma"].item() * factor, 4) for _ in range(40)}
    assert drawn == {5, 30}


@pytest.mark.parametrize("shape", [(1, 160, 150), (1, 30, 40, 24)])
def test_a_varying_sigma_is_a_smooth_map_within_its_factor_and_applied(shape):
    noisy = rand(sigmas=[0.1], variation=3.0)(torch.zeros(shape))
    sigma = noisy.meta["sigma"]
    assert sigma.shape == shape
    assert 1.3 < sigma.max() / sigma.min() <= 3.0
    assert sigma.min() >= 0.1 / 3**0.5 and sigma.max() <= 0.1 * 3**0.5
    assert all(sigma.diff(dim=axis).abs().max() < 0.02 for axis in range(1, len(shape)))
    for part in (sigma > sigma.median(), sigma <= sigma.median()):
        applied, recorded = noisy.as_tensor()[part].square().mean(), 2 * sigma[part].square().mean()
        assert applied.item() == pytest.approx(recorded.item(), rel=0.05)


def test_with_probability_zero_the_data_are_untouched_and_sigma_is_zero():
    image = phantom() - 0.5  # not even negative values are looked at
    out = rand(levels=[20], prob=0.0)(image.clamp(min=0))
    assert torch.equal(out, image.clamp(min=0)) and out.meta["sigma"] == 0
    out = RandRiciand("image", levels=[20], prob=0.0, variation=2.0)({"image": phantom()})
    assert torch.equal(out["image"], phantom()) and not out["sigma"].any()
    assert out["sigma"].shape == phantom().shape  # of the shape of the other items, to be batched with them


def test_with_probability_one_half_about_half_are_noisy():
    transform, image = rand(sigmas=[1.0], prob=0.5), torch.ones(1, 2, 2)
    noisy = sum(bool(transform(image).meta["sigma"]) for _ in range(200))
    assert 75 < noisy < 125


def test_dictionary_and_array_agree():
    for settings in (
        {"level_range": (5, 30)},
        {"sigmas": [0.1, 0.2], "variation": 1.5},
        {"levels": [5], "prob": 0.5},
    ):
        item = RandRiciand("image", **settings).set_random_state(7)({"image": phantom(), "other": "kept"})
        array = rand(7, **settings)(phantom())
        assert torch.equal(item["image"], array) and torch.equal(item["sigma"], array.meta["sigma"])
        assert item["other"] == "kept"
    item = AddRicianNoised("image", seed=3)({"image": phantom(), "level": 15})
    assert torch.equal(item["image"], AddRicianNoise(15, seed=3)(phantom()))
    assert item["sigma"] == item["image"].meta["sigma"]


def test_keys_share_sigma_and_not_the_noise():
    item = {"a": phantom(), "b": phantom(), "sigma": "an older one"}
    noise = RandRiciand(["a", "b", "absent"], level_range=(5, 30), sigma_key="s", allow_missing_keys=True)
    out = noise.set_random_state(0)(item)
    assert out["s"] == out["a"].meta["sigma"] == out["b"].meta["sigma"] and out["sigma"] == "an older one"
    assert not torch.equal(out["a"], out["b"])
    for key in "ab":
        assert measured_sigma(out[key], item[key]) == pytest.approx(out["s"].item(), rel=0.02)
    out = AddRicianNoised(["a", "b"])({**item, "level": 10})
    assert not torch.equal(out["a"], out["b"])


def test_fixed_noise_is_the_same_for_the_same_item_wherever_it_lies_and_differs_between_items():
    def noise(name="/data/a.nii.gz", level=15.0, seed=0):
        return AddRicianNoised("image", seed=seed)({"image": phantom(name=name), "level": level})["image"] - phantom()

    assert torch.equal(noise(), noise())
    assert torch.equal(noise(), noise(name="/elsewhere/a.nii.gz"))
    assert torch.equal(noise(), noise(level=np.float64(15)))
    for other in (noise(name="/data/b.nii.gz"), noise(level=10), noise(seed=1)):
        x, y = noise()[:, :8].flatten(), other[:, :8].flatten()
        assert abs(np.corrcoef(x, y)[0, 1]) < 0.05


def test_fixed_noise_of_level_zero_is_none():
    assert torch.equal(AddRicianNoise(0)(phantom()), phantom())


def test_fixed_noise_survives_workers_and_a_cache():
    items = [{"image": phantom(name=f"{i}.nii"), "level": level} for i in range(2) for level in (5, 10)]
    noise = Compose([AddRicianNoised("image")])
    direct = [noise(item)["image"] for item in items]
    cached = CacheDataset(items, noise, progress=False)
    loaded = torch.cat([batch["image"] for batch in DataLoader(cached, batch_size=2, num_workers=1)])
    assert torch.equal(loaded, torch.stack(direct))


def test_random_noise_is_replayed_through_compose_and_batched_with_its_sigma():
    items = [{"image": phantom()} for _ in range(2)]
    compose = Compose(
        [ScaleIntensityd("image"), RandFlipd("image", prob=0.5), RandRiciand("image", level_range=(5, 30))]
    )
    first = [compose.set_random_state(5)(items[0])["image"] for _ in range(2)]
    assert torch.equal(*first)
    (batch,) = DataLoader(CacheDataset(items, compose, progress=False), batch_size=2)
    assert batch["sigma"].shape == (2,) and batch["sigma"][0] != batch["sigma"][1]
    assert torch.equal(batch["image"].meta["sigma"], batch["sigma"])


@pytest.mark.parametrize("lazy", [True, False])
def test_pending_spatial_transforms_are_applied_before_the_noise(lazy):
    compose = Compose(
        [
            Spacingd("image", pixdim=(2.0, 2.0, 2.0)),
            Flipd("image", spatial_axis=0),
            RandRiciand("image", levels=[15], reference=1.0),
        ],
        lazy=lazy,
    )
    out = compose.set_random_state(0)({"image": phantom()})["image"]
    assert not out.pending_operations and out.shape != phantom().shape
    air = torch.cat([out.as_tensor()[0, :3].flatten(), out.as_tensor()[0, -3:].flatten()])
    assert air.mean().item() == pytest.approx(0.15 * math.sqrt(math.pi / 2), rel=0.05)


def test_plain_tensors_and_arrays_are_taken():
    plain = phantom().as_tensor()
    expected = AddRicianNoise(sigma=0.1)(plain)
    assert torch.equal(AddRicianNoise(sigma=0.1)(plain.numpy()), expected)
    assert expected.meta["sigma"].item() == pytest.approx(0.1)


@pytest.mark.parametrize("transform", [AddRicianNoise(10), RandRician(levels=[10])])
def test_centred_images_are_refused(transform):
    with pytest.raises(ValueError, match=r"magnitudes.*down to -0.5.*before anything that centres"):
        transform(phantom() - 0.5)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "exactly one of level_range, levels, sigma_range, sigmas; got none"),
        ({"levels": [5], "sigmas": [1]}, "got levels, sigmas"),
        ({"level_range": (30, 5)}, "lowest <= highest"),
        ({"level_range": (5, 10, 15)}, "lowest, highest"),
        ({"sigmas": []}, "at least one"),
        ({"levels": [-5]}, "none negative"),
        ({"levels": [5], "reference": "mean"}, "'maximum', 'percentile' or a positive number, got 'mean'"),
        ({"levels": [5], "reference": 0}, "positive number"),
        ({"levels": [5], "variation": 0.5}, "at least 1, got 0.5"),
    ],
)
def test_settings_without_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RandRician(**settings)


def test_fixed_noise_needs_one_strength_and_an_item_its_level():
    with pytest.raises(ValueError, match="exactly one of level, sigma; got none"):
        AddRicianNoise()
    with pytest.raises(ValueError, match="level must not be negative, got -1"):
        AddRicianNoise(-1)
    with pytest.raises(KeyError, match=r"no noise level under 'level', only \['image'\]"):
        AddRicianNoised("image")({"image": phantom()})
