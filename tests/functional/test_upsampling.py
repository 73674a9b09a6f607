"""A coarse map brought to an image's size, against scipy's interpolation."""

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom

from monai_unsup_denoise.functional import upsample_to

SHAPES = {"2-D": ((3, 2), (12, 7)), "3-D": ((3, 2, 4), (9, 8, 4)), "coarser than the map": ((6, 5), (3, 2))}


def interpolated(coarse: torch.Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """Linear between the centres of the nodes, constant beyond the outermost."""
    factors = [side / n for side, n in zip(shape, coarse.shape, strict=True)]
    return zoom(coarse.numpy(), factors, order=1, mode="nearest", grid_mode=True)


@pytest.mark.parametrize("grid, shape", SHAPES.values(), ids=SHAPES)
def test_a_map_is_interpolated_linearly_each_image_and_channel_by_itself(grid, shape):
    coarse = torch.randn(2, 3, *grid)
    fine = upsample_to(coarse, torch.empty(2, 1, *shape))
    assert fine.shape == (2, 3, *shape)
    for item, of_item in zip(coarse.flatten(0, 1), fine.flatten(0, 1), strict=True):
        np.testing.assert_allclose(of_item.numpy(), interpolated(item, shape), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_ramp_stays_a_ramp_along_its_own_axis(axis):
    shape = [1, 1, 1]
    shape[axis] = 20
    image = torch.empty(1, 1, 20, 20, 20)
    middle_of_nodes = torch.tensor([2.0, 7.0, 12.0, 17.0])  # 4 nodes of 5 voxels
    shape[axis] = 4
    line = upsample_to(middle_of_nodes.view(1, 1, *shape), image).movedim(2 + axis, -1)
    expected = torch.arange(20.0).clamp(2, 17)
    torch.testing.assert_close(line, expected.expand_as(line))


@pytest.mark.parametrize("grid, shape", [((3, 4), (10, 9)), ((1, 1), (5, 6)), ((2, 3, 1), (7, 7, 7))])
def test_a_constant_stays_what_it_is(grid, shape):
    fine = upsample_to(torch.full((1, 2, *grid), 0.3), torch.empty(1, 1, *shape))
    torch.testing.assert_close(fine, torch.full((1, 2, *shape), 0.3))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3)])
def test_a_map_of_the_images_size_comes_back_as_it_is(shape):
    values = torch.randn(2, 2, *shape)
    torch.testing.assert_close(upsample_to(values, torch.empty(2, 1, *shape)), values)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3)])
def test_one_value_for_each_image_broadcasts_against_it(shape):
    values = torch.tensor([[1.0], [2.0]])
    image = torch.ones(2, 3, *shape)
    product = upsample_to(values, image) * image
    assert product.shape == image.shape
    assert torch.equal(product.flatten(1).unique(dim=1), values)


def test_a_mirrored_map_gives_the_mirrored_result():
    coarse, image = torch.randn(1, 1, 3, 4, 2), torch.empty(1, 1, 11, 10, 9)
    for axis in (2, 3, 4):
        torch.testing.assert_close(upsample_to(coarse.flip(axis), image), upsample_to(coarse, image).flip(axis))


def test_the_gradient_reaches_the_coarse_map_and_is_shared_out_among_its_nodes():
    coarse = torch.zeros(1, 1, 3, 2, requires_grad=True)
    upsample_to(coarse, torch.empty(1, 1, 12, 10)).sum().backward()
    torch.testing.assert_close(coarse.grad, torch.full_like(coarse, 12 * 10 / 6))
