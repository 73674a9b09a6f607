"""Detection of correlated noise, with Immerkaer's estimator."""

import itertools

import pytest
import torch
from scipy.ndimage import gaussian_filter

from monai_unsup_denoise.functional import decorrelation_stride


def immerkaer(volume: torch.Tensor) -> torch.Tensor:
    """Standard deviation of white noise, from the diagonal second difference along the first two axes."""
    return volume.diff(dim=2).diff(dim=3).square().mean((1, 2, 3, 4)).sqrt() / 2


def noise(shape: tuple[int, ...], correlated: tuple[bool, ...]) -> torch.Tensor:
    """Gaussian noise of standard deviation 0.1; neighbours correlate by 0.5 along the marked axes."""
    field = torch.randn(1, 1, *(n + 1 for n in shape))
    for axis, is_correlated in enumerate(correlated, start=2):
        n = field.shape[axis] - 1
        here, next_to_it = field.narrow(axis, 0, n), field.narrow(axis, 1, n)
        field = (here + next_to_it) / 2**0.5 if is_correlated else here
    return 0.1 * field


@pytest.mark.parametrize("correlated", list(itertools.product([False, True], repeat=3)), ids=str)
def test_stride_finds_the_axes_of_correlated_noise(correlated):
    image = 1 + noise((70, 48, 110), correlated)
    assert decorrelation_stride(image, immerkaer) == tuple(2 if one else 1 for one in correlated)


def test_stride_is_independent_of_the_noise_level():
    image = 1 + noise((64, 64, 64), (True, False, False))
    assert decorrelation_stride(1 + 3 * (image - 1), immerkaer) == (2, 1, 1)
    assert decorrelation_stride(1 + (image - 1) / 5, immerkaer) == (2, 1, 1)


def test_stride_ignores_smooth_anatomy():
    axis = torch.linspace(0, 20, 64)
    smooth = 1 + 0.2 * torch.sin(axis.view(-1, 1, 1)) * torch.sin(axis.view(-1, 1)) * torch.sin(axis)
    assert immerkaer(smooth[None, None, ::2]) > 1.5 * immerkaer(smooth[None, None])
    assert decorrelation_stride(smooth[None, None], immerkaer) == (1, 1, 1)


def test_stride_of_a_short_axis_is_one():
    image = 1 + noise((64, 64, 20), (True, True, True))
    assert decorrelation_stride(image, immerkaer) == (2, 2, 1)


def slice_of_large_voxels(*, blur: float) -> torch.Tensor:
    """One slice of discs of two sizes, with noise of 0.05; both are blurred."""
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(54.0), indexing="ij")
    radius = torch.hypot(rows - 24, columns - 27)
    discs = 0.4 * (radius < 20) + 0.3 * (radius < 17) - 0.3 * (radius < 10) - 0.3 * (radius < 4)
    image = discs + 0.05 * torch.randn(48, 54) / (0.3 if blur else 1) + 1
    return torch.from_numpy(gaussian_filter(image.numpy(), blur))[None, None, ..., None]


def test_anatomy_of_a_small_slice_is_no_correlated_noise():
    image = slice_of_large_voxels(blur=0.0)
    assert immerkaer(image[:, :, ::2]) > 1.08 * immerkaer(image)
    assert decorrelation_stride(image, immerkaer) == (1, 1, 1)


def test_correlated_noise_of_a_small_slice_is_found():
    assert decorrelation_stride(slice_of_large_voxels(blur=0.8), immerkaer) == (2, 2, 1)
