"""Coarse maps: random ones, and interpolation against scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import zoom

from monai_unsup_denoise.functional import smooth_map, upsample_to

SHAPES = {"2-D": ((3, 2), (12, 7)), "3-D": ((3, 2, 4), (9, 8, 4)), "coarser than the map": ((6, 5), (3, 2))}


def interpolated(coarse: torch.Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """Linear between the centres of the nodes, constant beyond the outermost."""
    factors = [side / n for side, n in zip(shape, coarse.shape, strict=True)]
    return zoom(coarse.numpy(), factors, order=1, mode="nearest", grid_mode=True)


@pytest.mark.parametrize("grid, shape", SHAPES.values(), ids=SHAPES)
def test_upsampling_equals_scipy_zoom(grid, shape):
    coarse = torch.randn(2, 3, *grid)
    fine = upsample_to(coarse, torch.empty(2, 1, *shape))
    assert fine.shape == (2, 3, *shape)
    for item, of_item in zip(coarse.flatten(0, 1), fine.flatten(0, 1), strict=True):
        np.testing.assert_allclose(of_item.numpy(), interpolated(item, shape), atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_upsampled_ramp_stays_a_ramp(axis):
    shape = [1, 1, 1]
    shape[axis] = 20
    image = torch.empty(1, 1, 20, 20, 20)
    middle_of_nodes = torch.tensor([2.0, 7.0, 12.0, 17.0])  # 4 nodes of 5 voxels
    shape[axis] = 4
    line = upsample_to(middle_of_nodes.view(1, 1, *shape), image).movedim(2 + axis, -1)
    expected = torch.arange(20.0).clamp(2, 17)
    torch.testing.assert_close(line, expected.expand_as(line))


@pytest.mark.parametrize("grid, shape", [((3, 4), (10, 9)), ((1, 1), (5, 6)), ((2, 3, 1), (7, 7, 7))])
def test_upsampled_constant_stays_constant(grid, shape):
    fine = upsample_to(torch.full((1, 2, *grid), 0.3), torch.empty(1, 1, *shape))
    torch.testing.assert_close(fine, torch.full((1, 2, *shape), 0.3))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3)])
def test_upsampling_to_the_same_size_changes_nothing(shape):
    values = torch.randn(2, 2, *shape)
    torch.testing.assert_close(upsample_to(values, torch.empty(2, 1, *shape)), values)


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 3)])
def test_upsampled_single_values_broadcast(shape):
    values = torch.tensor([[1.0], [2.0]])
    image = torch.ones(2, 3, *shape)
    product = upsample_to(values, image) * image
    assert product.shape == image.shape
    assert torch.equal(product.flatten(1).unique(dim=1), values)


def test_upsampling_commutes_with_mirroring():
    coarse, image = torch.randn(1, 1, 3, 4, 2), torch.empty(1, 1, 11, 10, 9)
    for axis in (2, 3, 4):
        torch.testing.assert_close(upsample_to(coarse.flip(axis), image), upsample_to(coarse, image).flip(axis))


def test_upsampling_distributes_the_gradient_evenly():
    coarse = torch.zeros(1, 1, 3, 2, requires_grad=True)
    upsample_to(coarse, torch.empty(1, 1, 12, 10)).sum().backward()
    torch.testing.assert_close(coarse.grad, torch.full_like(coarse, 12 * 10 / 6))


@pytest.mark.parametrize("shape", [(40, 50), (24, 30, 20)])
def test_smooth_map_is_bounded_smooth_and_replayed(shape):
    gain, again = (smooth_map(shape, 3.0, generator=torch.Generator().manual_seed(0)) for _ in range(2))
    assert gain.shape == shape and torch.equal(gain, again)
    assert 1.2 < gain.max() / gain.min() <= 3.0
    assert 3**-0.5 <= gain.min() and gain.max() <= 3**0.5
    assert all(gain.log().diff(dim=axis).abs().max() < 0.15 for axis in range(len(shape)))


def test_smooth_map_refuses_a_variation_below_one():
    assert torch.equal(smooth_map((8, 8), 1.0), torch.ones(8, 8))
    with pytest.raises(ValueError, match="at least 1, got 0.5"):
        smooth_map((8, 8), 0.5)
    with pytest.raises(ValueError, match="2 or 3 entries"):
        smooth_map((8,), 2.0)
