"""Unpaired and paired datasets: samples, and their dependence on (seed, epoch, index) only."""

import numpy as np
import pytest
import torch
from monai.transforms import Compose, Identityd, MapTransform, RandFlipd, RandomizableTransform, RandSpatialCropd
from torch.utils.data import DataLoader

from monai_unsup_denoise.data import PairedDataset, UnpairedDataset


class Load(MapTransform):
    """A volume with voxels 1000 * number + position."""

    calls = 0

    def __init__(self) -> None:
        super().__init__("image")

    def __call__(self, item):
        Load.calls += 1
        return {"image": 1000 * item["image"] + torch.arange(512.0).reshape(1, 8, 8, 8)}


class AddNoise(RandomizableTransform, MapTransform):
    """Gaussian noise of a random size, recorded as `sigma`."""

    def __init__(self) -> None:
        RandomizableTransform.__init__(self, 1.0)
        MapTransform.__init__(self, "image")

    def __call__(self, item):
        sigma = float(self.R.uniform(0.1, 0.2))
        noise = torch.from_numpy(self.R.standard_normal(item["image"].shape)).float()
        return dict(item) | {"image": item["image"] + sigma * noise, "sigma": sigma}


def crop() -> Compose:
    return Compose([RandSpatialCropd("image", (4, 4, 4), random_size=False), RandFlipd("image", prob=0.5)])


def volumes(start: int, stop: int) -> list[dict]:
    return [{"image": number} for number in range(start, stop)]


def unpaired(**options) -> UnpairedDataset:
    options = {"noisy_transform": Compose([crop(), AddNoise()]), "clean_transform": crop(), "length": 24} | options
    return UnpairedDataset(volumes(0, 4), volumes(4, 7), load=Load(), progress=False, **options)


def paired(**options) -> PairedDataset:
    return PairedDataset(
        volumes(0, 4), load=Load(), transform=crop(), noise=AddNoise(), length=24, progress=False, **options
    )


def stacked(items) -> dict[str, torch.Tensor]:
    items = list(items)
    return {key: torch.stack([item[key] for item in items]) for key in items[0]}


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def number(samples: torch.Tensor) -> np.ndarray:
    """Which volume each sample is from."""
    return (samples.amin((1, 2, 3, 4)) / 1000 + 0.01).floor().int().numpy()


def test_item_has_plain_tensors_and_the_recorded_sigma():
    item = unpaired()[0]
    assert {key: (type(value), value.dtype) for key, value in item.items()} == dict.fromkeys(
        ("noisy", "clean", "sigma"), (torch.Tensor, torch.float32)
    )
    assert item["noisy"].shape == item["clean"].shape == (1, 4, 4, 4)
    assert item["noisy"].untyped_storage().nbytes() == item["noisy"].numel() * 4
    assert "sigma" not in unpaired(noisy_transform=crop())[0]


@pytest.mark.parametrize("make", [unpaired, paired])
def test_items_depend_on_seed_and_epoch_only(make):
    dataset, again = make(seed=3), make(seed=3)
    first = stacked(dataset)
    assert same(first, stacked(again)) and same(first, stacked(dataset))
    dataset.set_epoch(1)
    second = stacked(dataset)
    assert not torch.equal(first["noisy"], second["noisy"])
    assert not torch.equal(first["clean"], second["clean"])
    again.set_epoch(1)
    assert torch.equal(again[5]["noisy"], second["noisy"][5]), "an item must not depend on those drawn before"
    dataset.set_epoch(0)
    assert same(first, stacked(dataset))
    assert not same(first, stacked(make(seed=4)))


@pytest.mark.parametrize("make", [unpaired, paired])
def test_workers_give_the_same_items_in_every_epoch(make):
    dataset = make()
    alone = DataLoader(dataset, batch_size=6)
    shared = DataLoader(dataset, batch_size=6, num_workers=2, persistent_workers=True)
    for epoch in (0, 1):
        dataset.set_epoch(epoch)
        assert all(same(one, other) for one, other in zip(alone, shared, strict=True)), f"epoch {epoch}"


def test_noisy_and_clean_volumes_are_independent():
    samples = stacked(unpaired(length=300, noisy_transform=crop()))
    pairs = np.stack([number(samples["noisy"]), number(samples["clean"]) - 4])
    counts = np.zeros((4, 3))
    np.add.at(counts, tuple(pairs), 1)
    assert counts.min() > 10 and counts.max() < 45  # 25 expected
    equal_index = pairs[0] == np.arange(300) % 4
    assert 0.15 < equal_index.mean() < 0.35


def test_domains_of_the_same_volume_get_different_crops():
    dataset = UnpairedDataset(
        volumes(0, 1),
        volumes(0, 1),
        load=Load(),
        noisy_transform=crop(),
        clean_transform=crop(),
        length=40,
        progress=False,
    )
    samples = stacked(dataset)
    assert (samples["noisy"] == samples["clean"]).flatten(1).all(1).float().mean() < 0.2


def test_pair_differs_by_noise_of_the_recorded_sigma():
    samples = stacked(paired())
    residual = samples["noisy"] - samples["clean"]
    assert torch.equal(samples["clean"], samples["clean"].round())
    ratio = residual.flatten(1).std(1) / samples["sigma"]
    assert abs(float(ratio.mean()) - 1) < 0.1
    assert len(set(number(samples["clean"]))) == 4


def test_each_volume_is_loaded_once():
    Load.calls = 0
    dataset = unpaired()
    first = stacked(dataset)
    assert Load.calls == 7
    assert same(first, stacked(dataset)) and Load.calls == 7


def test_length_defaults_to_the_longer_list():
    options = {"load": Load(), "noisy_transform": crop(), "clean_transform": crop(), "progress": False}
    dataset = UnpairedDataset(volumes(0, 2), volumes(2, 7), **options)
    assert len(dataset) == 5 == len(list(dataset))
    assert dataset.data == volumes(0, 2)
    assert len(unpaired()) == 24


@pytest.mark.parametrize(
    ("data", "clean", "options", "message"),
    [
        ([], volumes(0, 1), {}, "^data: .*empty"),
        (volumes(0, 1), [], {}, "^clean_data: .*empty"),
        ([{"label": 1}], volumes(0, 1), {}, "^data: .*'image'.*label"),
        (volumes(0, 1), volumes(0, 1), {"length": 0}, "^length: .*0"),
    ],
)
def test_unusable_lists_are_named(data, clean, options, message):
    options = {"load": Load(), "noisy_transform": crop(), "clean_transform": crop(), "progress": False} | options
    with pytest.raises(ValueError, match=message):
        UnpairedDataset(data, clean, **options)


def test_transform_with_several_samples_is_refused():
    def two(item):
        return [item, item]

    with pytest.raises(ValueError, match="clean_data: .*list.*one dictionary"):
        unpaired(clean_transform=two)[0]


def test_transform_without_randomness_is_accepted():
    assert unpaired(clean_transform=Identityd("image"))[0]["clean"].shape == (1, 8, 8, 8)
