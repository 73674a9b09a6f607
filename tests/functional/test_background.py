"""Background set to zero, and regions without noise."""

import pytest
import torch
from scipy.ndimage import binary_dilation, binary_erosion, grey_dilation, zoom

from monai_unsup_denoise.functional import flat_regions, zero_background


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


def volume(*, unit: float = 0.0) -> torch.Tensor:
    """Noise of standard deviation 1 around 20, rounded to a unit."""
    noise = 20 + torch.randn(1, 1, 40, 36, 30)
    return (noise / unit).round() * unit if unit else noise


@pytest.mark.parametrize("constant", [0.0, 1e-6, 20.0, 1e5])
@pytest.mark.parametrize(
    "where",
    [(..., slice(1)), (slice(2),), (..., slice(-3, None)), (slice(10), slice(8), slice(12)), (slice(5), slice(5), 3)],
    ids=str,
)
def test_flat_region_of_any_constant_is_found_and_no_more(constant, where):
    image, expected = volume(), torch.zeros(1, 1, 40, 36, 30, dtype=torch.bool)
    image[0, 0][where], expected[0, 0][where] = constant, True
    assert torch.equal(flat_regions(image), expected)


def test_ragged_edge_and_narrow_parts_of_a_background_are_flat():
    axes = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in (40, 36, 30)), indexing="ij")
    background = (sum(axis.square() for axis in axes) > 0.9)[None, None]
    assert torch.equal(flat_regions(torch.where(background, 3.0, volume())), background)


def test_smooth_tails_of_interpolation_are_flat():
    tails = 20 * 0.27 ** torch.arange(30.0)  # a cubic spline beyond an edge
    image = torch.cat([volume(), tails * (0.5 + torch.rand(1, 1, 40, 36, 1))], dim=-1)
    flat = flat_regions(image)
    assert flat[..., 40:].all() and not flat[..., :34].any()


def test_ringing_of_splines_in_a_masked_background_is_flat():
    axes = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in (40, 36, 30)), indexing="ij")
    ball = sum(axis.square() for axis in axes).sqrt() < 0.85
    enlarged = zoom(torch.where(ball, volume()[0, 0], 0.0).numpy(), 1.3, order=3).clip(min=0)
    tissue = zoom(ball.numpy().astype(float), 1.3, order=1) > 0.5
    flat = flat_regions(torch.from_numpy(enlarged)[None, None])[0, 0].numpy()
    far, inside = ~binary_dilation(tissue, iterations=6), binary_erosion(tissue, iterations=3)
    assert flat[far].mean() > 0.85 and not flat[inside].any()


@pytest.mark.parametrize("unit", [0.1, 1.0, 2.0, 3.0])
def test_rounded_noise_is_not_flat_but_its_mask_is(unit):
    image = volume(unit=unit)
    assert not flat_regions(image).any()
    image[..., :6] = unit
    assert torch.equal(flat_regions(image)[..., :6], image[..., :6] > 0) and not flat_regions(image)[..., 10:].any()


def test_frame_around_one_slice_is_flat():
    image = torch.nn.functional.pad(volume()[..., :1], (0, 0, 2, 2, 1, 1), value=7.0)
    assert torch.equal(flat_regions(image), image == 7)
