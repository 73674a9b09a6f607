"""Texture of clean images: its size, its strength, and what it leaves alone."""

import pytest
import torch

from monai_unsup_denoise.transforms import RandTexture


def lag1(image: torch.Tensor, axis: int) -> float:
    """Correlation of neighbours."""
    centred = (image - image.mean()).movedim(axis, 0)
    return float((centred[1:] * centred[:-1]).mean() / centred.square().mean())


@pytest.mark.parametrize("size", [1.0, 2.0])
def test_texture_has_the_autocorrelation_of_its_gaussian(size):
    """exp(-1 / (4 size^2)) at a distance of 1, in slices of their own along two axes only."""
    expected = float(torch.exp(torch.tensor(-1 / (4 * size**2))))
    between = []
    for seed in range(8):
        transform = RandTexture(size=(size, size), strength=(0.1, 0.1)).set_random_state(seed)
        out = transform(torch.ones(1, 64, 64, 48))[0]
        assert float(out.std()) == pytest.approx(0.1, rel=0.01)
        assert [lag1(out, 0), lag1(out, 1)] == pytest.approx([expected] * 2, abs=0.05)
        between.append(lag1(out, 2))
    alone = [value for value in between if value < 0.5]
    assert alone == pytest.approx([0] * len(alone), abs=0.05) and 0 < len(alone) < 8
    assert [value for value in between if value >= 0.5] == pytest.approx([expected] * (8 - len(alone)), abs=0.05)


def test_texture_is_in_proportion_to_the_signal():
    clean = torch.ones(1, 32, 32, 16)
    clean[:, :8] = 0
    clean[:, 8:16] = 3
    transform = RandTexture(strength=(2.0, 2.0)).set_random_state(0)
    out = transform(clean)
    assert (out[:, :8] == 0).all() and out.min() == 0
    factor = torch.from_numpy(1 + 2.0 * transform.texture).clamp(min=0)
    torch.testing.assert_close(out[0], (clean[0] * factor).float())


def test_images_of_two_axes_have_texture_too():
    out = RandTexture(size=(1.5, 1.5), strength=(0.2, 0.2)).set_random_state(0)(torch.ones(1, 128, 128))
    assert float(out.std()) == pytest.approx(0.2, rel=0.01)
