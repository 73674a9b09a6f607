"""Background set to zero."""

import pytest
import torch
from scipy.ndimage import grey_dilation

from monai_unsup_denoise.functional import zero_background


@pytest.mark.parametrize("shape", [(2, 3, 20, 24), (1, 1, 12, 14, 10)])
def test_background_beyond_the_margin_becomes_zero(shape):
    clean = (torch.rand(shape) > 0.995).float()
    noisy = torch.rand(shape) + 0.1
    near = torch.from_numpy(grey_dilation(clean.numpy(), size=(1, 1, *(5,) * (len(shape) - 2)))) > 0
    masked = zero_background(noisy, clean)
    assert torch.equal(masked, torch.where(near, noisy, 0.0))
    assert 0 < (masked == 0).float().mean() < 1


def test_background_masking_refuses_other_than_2d_and_3d():
    with pytest.raises(ValueError, match="2-D or 3-D"):
        zero_background(torch.ones(4, 4), torch.ones(4, 4))
