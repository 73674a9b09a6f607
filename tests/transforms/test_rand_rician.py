"""Random Rician noise: the distribution of the draws, and their replay."""

import math

import numpy as np
import pytest
import torch
from monai.data import CacheDataset, DataLoader, MetaTensor
from monai.transforms import Compose, Flipd, RandFlipd, ScaleIntensityd, Spacingd

from monai_unsup_denoise.transforms import RandRician, RandRiciand
from tests.transforms.rician_cases import phantom, rand


def test_last_draw_can_be_applied_again():
    transform, image = rand(level_range=(5, 30)), phantom()
    first, second = transform(image), transform(image)
    assert not torch.equal(first, second) and first.meta["sigma"] != second.meta["sigma"]
    assert torch.equal(transform(image, randomize=False), second)


@pytest.mark.parametrize(
    "settings, factor", [({"level_range": (5, 30)}, 100), ({"level_range": (5, 30), "reference": 100.0}, 1)]
)
def test_random_level_covers_its_range(settings, factor):
    transform, image = rand(**settings), MetaTensor(torch.ones(1, 2, 2))
    drawn = np.array([transform(image).meta["sigma"].item() * factor for _ in range(300)])
    assert 5 <= drawn.min() < 6 and 29 < drawn.max() <= 30
    assert drawn.mean() == pytest.approx(17.5, abs=1.5)


@pytest.mark.parametrize("reference, factor", [("maximum", 100), (100.0, 1)])
def test_random_level_is_one_of_the_list(reference, factor):
    transform, image = rand(levels=[5, 30], reference=reference), MetaTensor(torch.ones(1, 2, 2))
    drawn = {round(transform(image).meta["sigma"].item() * factor, 4) for _ in range(40)}
    assert drawn == {5, 30}


@pytest.mark.parametrize("shape", [(1, 160, 150), (1, 30, 40, 24)])
def test_varying_sigma_is_a_bounded_smooth_map(shape):
    noisy = rand(levels=[10], reference=1.0, variation=3.0)(torch.zeros(shape))
    sigma = noisy.meta["sigma"]
    assert sigma.shape == shape
    assert 1.3 < sigma.max() / sigma.min() <= 3.0
    assert sigma.min() >= 0.1 / 3**0.5 and sigma.max() <= 0.1 * 3**0.5
    assert all(sigma.diff(dim=axis).abs().max() < 0.02 for axis in range(1, len(shape)))
    for part in (sigma > sigma.median(), sigma <= sigma.median()):
        applied, recorded = noisy.as_tensor()[part].square().mean(), 2 * sigma[part].square().mean()
        assert applied.item() == pytest.approx(recorded.item(), rel=0.05)


def test_probability_zero_adds_no_noise():
    out = rand(levels=[20], prob=0.0)(phantom())
    assert torch.equal(out, phantom()) and out.meta["sigma"] == 0
    out = RandRiciand("image", levels=[20], prob=0.0, variation=2.0)({"image": phantom()})
    assert torch.equal(out["image"], phantom()) and not out["sigma"].any()
    assert out["sigma"].shape == phantom().shape  # can be batched with noisy items


def test_probability_one_half_corrupts_half():
    transform, image = rand(levels=[100], prob=0.5), torch.ones(1, 2, 2)
    noisy = sum(bool(transform(image).meta["sigma"]) for _ in range(200))
    assert 75 < noisy < 125


def test_compose_replays_random_noise_with_its_sigma():
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
def test_pending_transforms_are_applied_before_the_noise(lazy):
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
    background = torch.cat([out.as_tensor()[0, :3].flatten(), out.as_tensor()[0, -3:].flatten()])
    assert background.mean().item() == pytest.approx(0.15 * math.sqrt(math.pi / 2), rel=0.05)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({}, "exactly one of level_range and levels, got None and None"),
        ({"levels": [5], "level_range": (5, 10)}, r"got \(5, 10\) and \[5\]"),
        ({"level_range": (30, 5)}, "lowest <= highest"),
        ({"level_range": (5, 10, 15)}, "lowest, highest"),
        ({"levels": []}, "at least one"),
        ({"levels": [-5]}, "none negative"),
        ({"levels": [5], "reference": "mean"}, "'maximum' or a positive number, got 'mean'"),
        ({"levels": [5], "reference": 0}, "positive number"),
        ({"levels": [5], "variation": 0.5}, "at least 1, got 0.5"),
    ],
)
def test_invalid_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RandRician(**settings)
