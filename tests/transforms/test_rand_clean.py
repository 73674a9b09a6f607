"""The common contract of the random transforms of clean images: seeds, replay, input, keys."""

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose

from monai_unsup_denoise.transforms import (
    RandContrastRemap,
    RandContrastRemapd,
    RandEchoPlanar,
    RandEchoPlanard,
    RandTexture,
    RandTextured,
    RandVoxelSizeCrop,
    RandVoxelSizeCropd,
)

KINDS = {
    RandContrastRemap: (RandContrastRemapd, {}),
    RandEchoPlanar: (RandEchoPlanard, {}),
    RandTexture: (RandTextured, {}),
    RandVoxelSizeCrop: (RandVoxelSizeCropd, {"patch_size": (8, 8, 8)}),
}


def clean(seed: int = 0) -> MetaTensor:
    values = torch.rand(1, 24, 22, 20, generator=torch.Generator().manual_seed(seed)) * 1.2
    return MetaTensor(values, affine=torch.diag(torch.tensor([1.0, 1.0, 2.0, 1.0])))


@pytest.mark.parametrize("kind", KINDS)
def test_same_seed_gives_same_bits_and_another_others(kind):
    image, untouched = clean(), clean()
    transform = kind(**KINDS[kind][1])
    first, second = (transform.set_random_state(5)(image) for _ in range(2))
    assert torch.equal(first, second) and not torch.equal(first, transform.set_random_state(6)(image))
    third = transform(image)
    assert not torch.equal(third, first)
    assert torch.equal(transform(image, randomize=False), third), "the last draw is replayed"
    assert torch.equal(image, untouched) and torch.equal(image.affine, untouched.affine)
    assert isinstance(first, MetaTensor) and first.dtype == torch.float32 and (first >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_share_one_draw(kind):
    dictionary, settings = KINDS[kind]
    transform = dictionary(["a", "b"], **settings)
    out = transform.set_random_state(3)({"a": clean(), "b": clean(), "c": 1})
    assert torch.equal(out["a"], out["b"]) and out["c"] == 1
    assert torch.equal(out["a"], kind(**settings).set_random_state(3)(clean()))


def test_compose_seeds_all_of_them():
    chain = Compose([dictionary("image", **settings) for dictionary, settings in KINDS.values()])
    first, second, other = (chain.set_random_state(seed)({"image": clean()})["image"] for seed in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, other)


@pytest.mark.parametrize("kind", KINDS)
def test_probability_zero_keeps_the_voxels(kind):
    out = kind(**KINDS[kind][1], prob=0.0).set_random_state(0)(clean())
    corner = [round(float(out.affine[i, 3] / out.affine[i, i])) for i in range(3)]
    box = tuple(slice(start, start + n) for start, n in zip(corner, out.shape[1:], strict=True))
    assert torch.equal(out.as_tensor(), clean().as_tensor()[(slice(None), *box)])


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (RandContrastRemap, {"kinds": ("upside down",)}, "kinds are some of .*upside down"),
        (RandContrastRemap, {"top": 0}, "top is positive"),
        (RandEchoPlanar, {"decay": (2, 1)}, r"lowest, highest.*got \(2, 1\)"),
        (RandEchoPlanar, {"axes": ()}, "axes not empty"),
        (RandTexture, {"size": (0, 2)}, r"above 0.*got \(0, 2\)"),
        (RandTexture, {"strength": (0.5, 0.1)}, r"from 0 up.*\(0.5, 0.1\)"),
        (RandVoxelSizeCrop, {"patch_size": (8, 8)}, "patch_size has three numbers"),
        (RandVoxelSizeCrop, {"patch_size": (8, 8, 8), "in_plane": (0, 1)}, "above 0"),
    ],
)
def test_invalid_settings_of_clean_transforms_are_refused(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(**settings)
