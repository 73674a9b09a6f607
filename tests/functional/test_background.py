"""Air set to zero."""

import pytest
import torch
from scipy.ndimage import grey_dilation

from monai_unsup_denoise.functional import zero_background


@pytest.mark.parametrize("shape", [(2, 3, 20, 24), (1, 1, 12, 14, 10)])
def test_what_lies_farther_from_tissue_than_the_margin_is_zero_and_the_rest_is_untouched(shape):
    clean = (torch.rand(shape) > 0.995).float()
    noisy = torch.rand(shape) + 0.1
    near = torch.from_numpy(grey_dilation(clean.numpy(), size=(1, 1, *(5,) * (len(shape) - 2)))) > 0
    masked = zero_background(noisy, clean, margin=2)
    assert torch.equal(masked, torch.where(near, noisy, 0.0))
    assert 0 < (masked == 0).float().mean() < 1


def test_an_image_without_two_or_three_axes_is_refused():
    with pytest.raises(ValueError, match="2-D or 3-D"):
        zero_background(torch.ones(4, 4), torch.ones(4, 4))
