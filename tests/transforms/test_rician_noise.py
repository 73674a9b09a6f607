"""Rician noise as transforms: sigma is recorded, and fixed noise is reproducible."""

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, MetaTensor
from monai.transforms import Compose

from monai_unsup_denoise.transforms import AddRicianNoise, AddRicianNoised, RandRician, RandRiciand
from tests.transforms.rician_cases import AFFINE, EVERY_KIND, measured_sigma, phantom, rand


@pytest.mark.parametrize("make", EVERY_KIND)
def test_noise_leaves_the_input_and_its_geometry_unchanged(make):
    image = phantom()
    before, meta = image.as_tensor().clone(), dict(image.meta)
    noisy = make()(image)
    assert torch.equal(image.as_tensor(), before)
    assert image.meta.keys() == meta.keys() and "sigma" not in image.meta
    assert isinstance(noisy, MetaTensor) and noisy.dtype == torch.float32 and noisy.shape == image.shape
    assert torch.equal(noisy.affine, AFFINE) and noisy.meta["filename_or_obj"] == "/data/a.nii.gz"
    assert noisy.data_ptr() != image.data_ptr()


@pytest.mark.parametrize("make", EVERY_KIND)
def test_recorded_sigma_is_the_measured_one(make):
    image = phantom()
    noisy = make()(image)
    recorded = noisy.meta["sigma"]
    assert isinstance(recorded, torch.Tensor) and recorded.dtype == torch.float32
    expected = recorded.double().square().mean().sqrt().item()
    assert measured_sigma(noisy, image) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("make", EVERY_KIND)
def test_seed_replays_the_draw(make):
    first, again = make()(phantom()), make()(phantom())
    assert torch.equal(first, again)
    assert torch.equal(first.meta["sigma"], again.meta["sigma"])


@pytest.mark.parametrize("scale", [1.0, 800.0])
@pytest.mark.parametrize("reference, intensity", [("maximum", lambda x: x.max().item()), (2.0, lambda x: 2.0)])
def test_level_is_a_percentage_of_the_reference(reference, intensity, scale):
    image = phantom(scale)
    expected = 0.2 * intensity(image.as_tensor())
    for transform in (
        AddRicianNoise(20, reference=reference),
        rand(levels=[20], reference=reference),
    ):
        noisy = transform(image)
        assert noisy.meta["sigma"].item() == pytest.approx(expected, rel=1e-6)
        if scale == 1:
            assert measured_sigma(noisy, image) == pytest.approx(expected, rel=0.02)


def test_dictionary_and_array_versions_agree():
    for settings in (
        {"level_range": (5, 30)},
        {"levels": [10, 20], "variation": 1.5},
        {"levels": [5], "prob": 0.5},
    ):
        item = RandRiciand("image", **settings).set_random_state(7)({"image": phantom(), "other": "kept"})
        array = rand(7, **settings)(phantom())
        assert torch.equal(item["image"], array) and torch.equal(item["sigma"], array.meta["sigma"])
        assert item["other"] == "kept"
    item = AddRicianNoised("image", seed=3)({"image": phantom(), "level": 15})
    assert torch.equal(item["image"], AddRicianNoise(15, seed=3)(phantom()))
    assert item["sigma"] == item["image"].meta["sigma"]


def test_keys_share_sigma_but_not_noise():
    item = {"a": phantom(), "b": phantom(), "sigma": "an older one"}
    noise = RandRiciand(["a", "b", "absent"], level_range=(5, 30), sigma_key="s", allow_missing_keys=True)
    out = noise.set_random_state(0)(item)
    assert out["s"] == out["a"].meta["sigma"] == out["b"].meta["sigma"] and out["sigma"] == "an older one"
    assert not torch.equal(out["a"], out["b"])
    for key in "ab":
        assert measured_sigma(out[key], item[key]) == pytest.approx(out["s"].item(), rel=0.02)
    out = AddRicianNoised(["a", "b"])({**item, "level": 10})
    assert not torch.equal(out["a"], out["b"])


def test_fixed_noise_depends_on_file_name_level_and_seed():
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


def test_fixed_noise_is_the_same_in_workers_and_caches():
    items = [{"image": phantom(name=f"{i}.nii"), "level": level} for i in range(2) for level in (5, 10)]
    noise = Compose([AddRicianNoised("image")])
    direct = [noise(item)["image"] for item in items]
    cached = CacheDataset(items, noise, progress=False)
    loaded = torch.cat([batch["image"] for batch in DataLoader(cached, batch_size=2, num_workers=1)])
    assert torch.equal(loaded, torch.stack(direct))


def test_plain_tensors_and_arrays_are_accepted():
    plain = phantom().as_tensor()
    expected = AddRicianNoise(10)(plain)
    assert torch.equal(AddRicianNoise(10)(plain.numpy()), expected)
    assert expected.meta["sigma"].item() == pytest.approx(0.1)


@pytest.mark.parametrize("transform", [AddRicianNoise(10), RandRician(levels=[10])])
def test_centred_images_are_refused(transform):
    with pytest.raises(ValueError, match=r"magnitudes.*down to -0.5.*before anything that centres"):
        transform(phantom() - 0.5)


def test_fixed_noise_needs_a_level_that_is_not_negative():
    with pytest.raises(ValueError, match="level must not be negative, got -1"):
        AddRicianNoise(-1)
    with pytest.raises(KeyError, match=r"no noise level under 'level', only \['image'\]"):
        AddRicianNoised("image")({"image": phantom()})
