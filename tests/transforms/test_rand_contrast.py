"""Random contrasts: bounds, order of tissues, borders."""

import numpy as np
import pytest
import torch

from monai_unsup_denoise.transforms import RandContrastRemap
from monai_unsup_denoise.transforms.rand_contrast import KINDS

TISSUES = torch.tensor([0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2])


def slabs() -> torch.Tensor:
    """Tissues side by side, five voxels each."""
    return TISSUES.repeat_interleave(5)[:, None, None].expand(-1, 4, 4)[None].contiguous()


def mapped_tissues(kind: str, seed: int) -> np.ndarray:
    out = RandContrastRemap(kinds=(kind,)).set_random_state(seed)(slabs())
    return out[0, 2::5, 2, 2].numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_air_stays_zero_and_the_curve_reaches_one(kind):
    noise = torch.rand(1, 12, 12, 12, generator=torch.Generator().manual_seed(0)) * 2
    noise[0, :4] = 0
    for seed in range(20):
        transform = RandContrastRemap(kinds=(kind,)).set_random_state(seed)
        out = transform(noise)
        assert (out[0, :4] == 0).all() and out.min() >= 0 and out.max() <= 1
        assert transform(torch.linspace(0, 1.25, 500).view(1, -1, 1, 1)).max() == pytest.approx(1, abs=0.01)


def test_order_of_tissues_follows_the_kind():
    for seed in range(20):
        assert (np.diff(mapped_tissues("monotone", seed)) > 0).all()
        inverted = mapped_tissues("inverted", seed)[1:]
        assert (np.diff(inverted) <= 0).all() and inverted[0] > 2 * inverted[-1] - 0.5
    falls = [(np.diff(mapped_tissues("free", seed)) < 0).any() for seed in range(20)]
    assert sum(falls) > 10


def test_steps_make_plateaus():
    ramp = torch.linspace(0, 1.25, 1000).view(1, -1, 1, 1)
    for seed in range(20):
        out = RandContrastRemap(kinds=("steps",)).set_random_state(seed)(ramp)[0, :, 0, 0]
        assert (out.diff().abs() < 1e-6).float().mean() > 0.5
        assert 3 <= len(np.unique(out[1:-1][(out[2:] == out[1:-1]) & (out[:-2] == out[1:-1])].numpy())) <= 6


def test_borders_stay_mixtures_without_lines():
    """A partial volume of two tissues becomes that of the mapped tissues, in the same shares.

    The curve alone would give it any value: a bright or dark line around every tissue.
    """
    image = torch.full((1, 20, 5, 5), 0.1)
    image[:, 10], image[:, 11:] = 0.1 + 0.3 * 0.9, 1.0
    for seed in range(20):
        out = RandContrastRemap(kinds=("free",)).set_random_state(seed)(image)[0, :, 2, 2]
        assert float(out[10]) == pytest.approx(0.7 * float(out[0]) + 0.3 * float(out[-1]), abs=1e-5)
