"""Background noise estimation on volumes of known sigma."""

import pytest
import torch

from monai_unsup_denoise.functional import add_rician_noise, estimate_background_sigma


def head(side: int = 64, *, radius: float = 0.75) -> torch.Tensor:
    """Nested balls of scalp, bone and brain with shading and texture; background 0, maximum 1."""
    axis = torch.linspace(-1, 1, side)
    r = torch.sqrt(sum(x**2 for x in torch.meshgrid(axis, axis, axis, indexing="ij"))) / radius
    brain = 0.55 + 0.15 * torch.sin(9 * r) + 0.05 * axis
    volume = torch.where(r < 0.8, brain, torch.where(r < 0.88, 0.05, 1.0))
    return torch.where(r < 1, volume, 0.0).clamp(min=0)


def noisy_head(sigma: float, **settings) -> torch.Tensor:
    return add_rician_noise(head(**settings), sigma, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("level", [1, 3, 5, 10, 15, 20, 25, 30])
def test_estimate_is_within_three_percent_of_sigma(level):
    assert estimate_background_sigma(noisy_head(level / 100)).item() == pytest.approx(level / 100, rel=0.03)


@pytest.mark.parametrize("radius", [0.3, 0.95])
def test_estimate_is_independent_of_background_size(radius):
    assert estimate_background_sigma(noisy_head(0.1, radius=radius)).item() == pytest.approx(0.1, rel=0.03)


def test_estimate_scales_with_the_units():
    volume = noisy_head(0.1)
    sigma = estimate_background_sigma(volume)
    torch.testing.assert_close(estimate_background_sigma(5000 * volume[None, None]), 5000 * sigma, rtol=1e-4, atol=0)
    assert sigma.ndim == 0 and sigma.dtype == torch.float32


def test_estimate_accepts_integers():
    volume = (200 * noisy_head(0.01)).round().short()  # sigma of two grey values
    assert estimate_background_sigma(volume).item() == pytest.approx(2, rel=0.03)


def test_estimate_accepts_a_single_slice():
    assert estimate_background_sigma(noisy_head(0.1, side=96)[:, :, 48:49]).item() == pytest.approx(0.1, rel=0.06)


@pytest.mark.parametrize(
    "volume",
    [
        torch.zeros(16, 16, 16),
        torch.ones(16, 16, 16),
        head(),
        noisy_head(0.1) * (head() > 0),
        noisy_head(0.05)[20:44, 20:44, 20:44],
        torch.full((16, 16, 16), float("nan")),
        torch.rand(32, 32, 32),
        torch.rand(32, 32, 32).log().neg(),
    ],
    ids=["zero", "constant", "noise-free", "masked", "cropped", "nan", "uniform", "exponential"],
)
def test_estimate_without_background_says_what_to_do(volume):
    with pytest.raises(ValueError, match=r"no background .*give the whole volume .* or give sigma"):
        estimate_background_sigma(volume)


@pytest.mark.parametrize("shape", [(16, 16), (2, 16, 16, 16), (0, 4, 4)])
def test_estimate_refuses_all_but_one_volume(shape):
    with pytest.raises(ValueError, match=r"one volume of three axes, got shape"):
        estimate_background_sigma(torch.ones(shape))
