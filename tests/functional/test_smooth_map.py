"""The smooth map stays within its factor, and is smooth."""

import pytest
import torch

from monai_unsup_denoise.functional import smooth_map


@pytest.mark.parametrize("shape", [(40, 50), (24, 30, 20)])
def test_a_map_is_bounded_by_its_factor_smooth_and_replayed_by_its_generator(shape):
    gain, again = (smooth_map(shape, 3.0, generator=torch.Generator().manual_seed(0)) for _ in range(2))
    assert gain.shape == shape and torch.equal(gain, again)
    assert 1.2 < gain.max() / gain.min() <= 3.0
    assert 3**-0.5 <= gain.min() and gain.max() <= 3**0.5
    assert all(gain.log().diff(dim=axis).abs().max() < 0.15 for axis in range(len(shape)))


def test_a_factor_of_one_gives_ones_and_less_is_refused():
    assert torch.equal(smooth_map((8, 8), 1.0), torch.ones(8, 8))
    with pytest.raises(ValueError, match="at least 1, got 0.5"):
        smooth_map((8, 8), 0.5)
    with pytest.raises(ValueError, match="2 or 3 entries"):
        smooth_map((8,), 2.0)
