"""Padding by reflection, as numpy does it, and back."""

import numpy as np
import pytest
import torch

from monai_unsup_denoise.networks.padding import crop_as, pad_to_multiple


@pytest.mark.parametrize("shape", [(5, 8, 7), (13, 4, 6), (9, 10)])
def test_padding_equals_reflection_by_numpy(shape):
    image = torch.rand(1, 2, *shape)
    padded = pad_to_multiple(image, 4)
    widths = [(0, 0), (0, 0), *((0, -n % 4) for n in shape)]
    np.testing.assert_array_equal(padded.numpy(), np.pad(image.numpy(), widths, mode="reflect"))
    assert torch.equal(crop_as(padded, image), image)


def test_sides_shorter_than_the_padding_repeat_the_first_plane():
    image = torch.rand(1, 1, 4, 4, 2)
    assert torch.equal(pad_to_multiple(image, 4), image[..., [0, 1, 0, 0]])
    assert torch.equal(pad_to_multiple(image[..., :1], 4), image[..., [0, 0, 0, 0]])
