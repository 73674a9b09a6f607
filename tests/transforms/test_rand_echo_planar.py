"""Echo-planar images: the point spread and the distortion."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from monai_unsup_denoise.transforms import RandEchoPlanar
from monai_unsup_denoise.transforms.rand_echo_planar import decayed, distorted


@pytest.mark.parametrize("decay", [0.2, 1.0, 2.0])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_point_spread_is_that_of_exponential_decay(decay, axis):
    """Integral of exp(-2 decay |f|) cos(2 pi f n) over the frequencies of the grid, |f| < 1/2."""
    impulse = torch.zeros(1, 81, 81, 81)
    impulse[0, 40, 40, 40] = 1
    spread = decayed(impulse, decay, axis)[0].movedim(axis, 0)[:, 40, 40].numpy()
    n = np.arange(-40, 41)
    expected = decay * (1 - (-1.0) ** n * np.exp(-decay)) / (decay**2 + (np.pi * n) ** 2)
    np.testing.assert_allclose(spread, expected, atol=1e-3)
    assert decayed(impulse, decay, axis).sum() == pytest.approx(1, abs=1e-3)


def test_decay_does_not_mix_opposite_borders():
    image = torch.zeros(1, 32, 4, 4)
    image[0, :4] = 1
    assert decayed(image, 2.0, 0)[0, -1].max() < 0.02
    torch.testing.assert_close(decayed(torch.ones(1, 9, 8, 7), 1.3, 1), torch.ones(1, 9, 8, 7))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_distortion_is_a_shift_with_its_jacobian(axis):
    shape = (20, 24, 28)
    rng = np.random.default_rng(axis)
    image = ndimage.gaussian_filter(rng.random(shape), 3)
    waves = rng.uniform(-0.3, 0.3, (2, 2, 2))
    index = np.indices(shape)
    shift = sum(
        waves[k] * np.prod([np.cos(np.pi * k[a] * (index[a] + 0.5) / shape[a]) for a in range(3)], axis=0)
        for k in np.ndindex(2, 2, 2)
    )
    places = index.astype(float)
    places[axis] += shift
    expected = ndimage.map_coordinates(image, places, order=1, mode="nearest") * (1 + np.gradient(shift, axis=axis))
    found = distorted(torch.from_numpy(image).float()[None], torch.from_numpy(waves).float(), axis)[0]
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_distortion_is_bounded_and_keeps_the_total_signal():
    block = torch.zeros(1, 32, 32, 32)
    block[0, 8:24, 8:24, 8:24] = 1
    moved = []
    for seed in range(30):
        transform = RandEchoPlanar(decay=(0, 0), shift=4.0).set_random_state(seed)
        out = transform(block)
        assert out.sum() == pytest.approx(float(block.sum()), rel=0.02) and out.max() < 1.6
        moved.append(float(transform.waves.abs().sum()))
    assert 2 < max(moved) <= 4 and min(moved) < 1
