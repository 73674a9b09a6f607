"""Noise of scanners as transforms: recorded with the sample, replayed from the record, absent unless asked for."""

import json

import pytest
import torch
from monai.data import DataLoader

from monai_unsup_denoise.functional import (
    EFFECTS,
    SCANNER_KINDS,
    ScannerNoise,
    add_rician_noise,
    add_scanner_noise,
    noise_truth,
)
from monai_unsup_denoise.transforms import AddRicianNoise, AddRicianNoised, RandRician, RandRiciand
from tests.transforms.rician_cases import measured_sigma, phantom, rand

EFFECTS_HALF = dict.fromkeys(EFFECTS, 0.5)


def seeded(seed):
    return torch.Generator().manual_seed(int(seed))


@pytest.mark.parametrize("effects", [None, {}])
@pytest.mark.parametrize("variation, total", [(1.0, 15043.955), (2.0, 9749.837)])  # of version 0.5.1
def test_noise_without_effects_is_that_of_before(variation, total, effects):
    transform = rand(3, level_range=(5, 30), variation=variation, effects=effects)
    out = transform(phantom())
    assert out.as_tensor().double().sum().item() == pytest.approx(total, abs=0.01)
    expected = add_rician_noise(phantom().as_tensor(), out.meta["sigma"], generator=seeded(transform.noise_seed))
    assert torch.equal(out.as_tensor(), expected) and "scanner_noise" not in out.meta


def test_effects_leave_levels_and_seeds_unchanged():
    for seed in range(5):
        white, colored = (rand(seed, levels=[5, 9], reference=1.0, effects=e) for e in (None, EFFECTS_HALF))
        white.randomize(phantom())
        colored.randomize(phantom())
        assert white.noise_seed == colored.noise_seed and torch.equal(white.sigma, colored.sigma)


def test_sample_records_what_replays_its_noise():
    noise = RandRiciand(["image", "other"], level_range=(5, 30), reference=1.0, variation=1.3, effects=EFFECTS_HALF)
    noise.set_random_state(0)
    clean = phantom().as_tensor()[0]
    kinds = set()
    for _ in range(4):
        item = noise({"image": phantom(), "other": phantom()})
        record, truth = json.loads(item["noise"]["record"]), item["noise"]
        kinds.add(item["noise"]["record"])
        scanner = ScannerNoise.from_record(record)
        scale = noise.rician.sigma[0]
        for number, key in enumerate(("image", "other")):
            again = add_scanner_noise(clean, scale, scanner=scanner, generator=seeded(truth["seed"] + number))
            assert torch.equal(item[key].as_tensor()[0], again)
            assert item[key].meta["scanner_noise"] == item["noise"]["record"]
        expected = noise_truth(clean, scale, scanner=scanner)
        assert torch.equal(item["sigma"][0], expected.sigma) and torch.equal(item["image"].meta["sigma"], item["sigma"])
        assert torch.equal(truth["correlation"], expected.correlation) and truth["coils"] == expected.coils
    assert len(kinds) == 4


def test_random_scanner_noise_replays_and_is_batched():
    transform = rand(5, levels=[10], effects=EFFECTS_HALF)
    first = transform(phantom())
    assert torch.equal(transform(phantom(), randomize=False), first)
    assert torch.equal(rand(5, levels=[10], effects=EFFECTS_HALF)(phantom()), first)
    noise = RandRiciand("image", levels=[10], prob=0.7, effects=EFFECTS_HALF).set_random_state(0)
    (batch,) = DataLoader([noise({"image": phantom()}) for _ in range(6)], batch_size=6)
    assert batch["image"].shape == batch["sigma"].shape == (6, 1, 40, 40, 24)
    assert batch["noise"]["correlation"].shape == (6, 3, 2) and batch["noise"]["coils"].shape == (6,)
    clean = [i for i in range(6) if not batch["sigma"][i].any()]
    assert clean and all(torch.equal(batch["image"][i].as_tensor(), phantom().as_tensor()) for i in clean)
    assert all(
        json.loads(batch["noise"]["record"][i]) == json.loads(json.dumps(ScannerNoise().record())) for i in clean
    )


def test_two_channels_have_independent_scanner_noise():
    image = torch.full((2, 24, 24, 24), 10.0)
    noise = rand(0, levels=[10], reference=1.0, effects={"windows": 1.0})(image) - image
    assert torch.corrcoef(noise.reshape(2, -1))[0, 1].abs() < 0.1


def test_rounding_and_air_are_relative_to_the_reference():
    transform = rand(0, levels=[5], effects={"rounding": 1.0, "background": 1.0})
    for scale in (1.0, 900.0):
        transform.set_random_state(1).randomize(phantom(scale))
        scanner, _ = transform.scanned
        assert scale / 4096 <= scanner.rounding <= scale / 200
        assert scanner.background.air is None or scanner.background.air == pytest.approx(0.02 * scale)


def test_fixed_noise_has_the_kinds_of_the_table():
    image = phantom()
    white = AddRicianNoise(10, seed=2)(image)
    assert torch.equal(AddRicianNoise(10, seed=2, kind="white")(image), white)
    filled = AddRicianNoise(10, seed=2, kind="zero_filled")(image)
    assert ScannerNoise.from_record(json.loads(filled.meta["scanner_noise"])) == SCANNER_KINDS["zero_filled"]
    assert filled.meta["sigma"].shape == image.shape and torch.equal(
        AddRicianNoise(10, seed=2, kind="zero_filled")(image), filled
    )
    assert measured_sigma(filled, image) == pytest.approx(0.1, rel=0.03)
    item = AddRicianNoised("image", seed=2)({"image": image, "level": 10, "kind": "zero_filled"})
    assert torch.equal(item["image"], filled) and torch.equal(item["sigma"], filled.meta["sigma"])
    with pytest.raises(ValueError, match="kind must be one of white, zero_filled, .*, got 'pink'"):
        AddRicianNoise(10, kind="pink")


def test_unknown_effects_are_refused_at_once():
    with pytest.raises(ValueError, match="no effect 'window'"):
        RandRician(levels=[5], effects={"window": 1.0})
