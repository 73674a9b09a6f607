"""Crops with other voxels: slice profiles, geometry, ranges."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor

from monai_unsup_denoise.transforms import RandVoxelSizeCrop
from monai_unsup_denoise.transforms.rand_voxel_size import profile_weights


def volume(*spacing: float, shape: tuple[int, ...] = (40, 36, 30)) -> MetaTensor:
    values = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    affine = torch.eye(4, dtype=torch.float64)
    affine[:3, :3] = torch.diag(torch.tensor(spacing or (1.0, 1.0, 1.0), dtype=torch.float64))
    affine[:3, 3] = torch.tensor([5.0, -3.0, 7.0])
    return MetaTensor(values, affine=affine)


def test_a_thick_slice_is_the_mean_of_fine_ones():
    fine = np.random.default_rng(0).random(30)
    weights = profile_weights(torch.arange(1.0, 30, 3), 30, width=3.0, flank=0.0).numpy()
    np.testing.assert_allclose(weights @ fine, fine.reshape(10, 3).mean(1), rtol=1e-12)


@pytest.mark.parametrize(("width", "flank"), [(1.0, 0.0), (3.3, 0.0), (4.0, 1.5), (2.5, 1.25)])
def test_weights_are_the_integral_over_the_profile(width, flank):
    """Against a sum over 400 points per voxel, of a rectangle smoothed by a rectangle."""
    x = (np.arange(400 * 20) + 0.5) / 400 - 0.5
    centre = 9.37
    inside = np.clip((width / 2 + flank / 2 - np.abs(x - centre)) / flank, 0, 1) if flank else None
    profile = inside if flank else (np.abs(x - centre) < width / 2).astype(float)
    expected = profile.reshape(20, 400).mean(1) / width
    found = profile_weights(torch.tensor([centre]), 20, width=width, flank=flank)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found.sum() == pytest.approx(1)


def test_affine_places_each_new_voxel():
    """An image of its own coordinate in mm: each new voxel holds the coordinate of its centre."""
    image = volume(1.0, 1.0, 1.5)
    for axis in range(3):
        index = torch.arange(image.shape[axis + 1]).view([-1 if i == axis else 1 for i in range(3)])
        world = image.affine[axis, axis] * index + image.affine[axis, 3]
        ramp = MetaTensor(world.float().expand(image.shape[1:])[None].clone(), affine=image.affine)
        for seed in range(4):
            out = RandVoxelSizeCrop((6, 6, 6)).set_random_state(seed)(ramp)
            centres = out.affine[axis, axis] * torch.arange(6) + out.affine[axis, 3]
            found = out.as_tensor()[0].movedim(axis, 0)[:, 2, 2]
            np.testing.assert_allclose(found, centres, atol=0.26)


def test_voxel_sizes_cover_their_ranges_in_mm():
    sizes, slices = [], []
    for seed in range(200):
        transform = RandVoxelSizeCrop((4, 4, 4), in_plane=(1, 3), thickness=(2, 6), isotropic=0.3)
        out = transform.set_random_state(seed)(volume(1.0, 1.0, 1.5))
        sizes.append(out.pixdim[:2].tolist())
        slices.append([float(out.pixdim[2]), transform.width[2] * 1.5])
    sizes, (steps, widths) = np.array(sizes), np.array(slices).T
    np.testing.assert_allclose(sizes[:, 0], sizes[:, 1])
    assert 1 <= sizes.min() < 1.1 and 2.8 < sizes.max() <= 3.001
    cubic = np.isclose(steps, np.maximum(sizes[:, 0], 0.75 * 1.5))
    assert 0.2 < cubic.mean() < 0.5 and widths.max() > 5
    assert (steps >= widths - 0.5).all() and (steps <= 1.3001 * widths + 0.01).all(), "gaps of 0 to 30 %"


def test_the_slice_axis_is_that_of_the_source():
    transform = RandVoxelSizeCrop((4, 4, 4), in_plane=(1, 1), thickness=(4, 6), isotropic=0.0)
    long = {int(transform.set_random_state(seed)(volume(1, 2, 1)).pixdim.argmax()) for seed in range(20)}
    assert long == {1}
    cubic = {int(transform.set_random_state(seed)(volume()).pixdim.argmax()) for seed in range(20)}
    assert cubic == {0, 1, 2}


def test_a_patch_that_spans_the_image_is_its_block_means():
    image = volume(shape=(24, 24, 24))
    out = RandVoxelSizeCrop((6, 6, 6), in_plane=(4, 4), isotropic=1.0)(image)
    torch.testing.assert_close(out.as_tensor(), torch.nn.functional.avg_pool3d(image.as_tensor(), 4))


def test_a_patch_as_large_as_the_image_is_the_image():
    image = volume()
    same = RandVoxelSizeCrop(image.shape[1:], in_plane=(2, 4), isotropic=1.0)(image)
    torch.testing.assert_close(same.as_tensor(), image.as_tensor())
    with pytest.raises(ValueError, match=r"shape \(40, 36, 30\)\) is smaller than the patch \(8, 8, 31\)"):
        RandVoxelSizeCrop((8, 8, 31))(image)
