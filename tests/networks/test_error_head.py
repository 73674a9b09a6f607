"""The error head: its half-widths have the units of the scan, are nested, and come from what is near."""

import math

import pytest
import torch

from monai_unsup_denoise.networks import ErrorHead
from monai_unsup_denoise.networks.error_head import noise_numbers

SHAPE = (24, 20, 22)


@pytest.fixture
def head() -> ErrorHead:
    torch.manual_seed(0)
    return ErrorHead().eval()


@pytest.fixture
def volumes() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy, denoised, sigma."""
    generator = torch.Generator().manual_seed(1)
    noisy, denoised = torch.rand(2, 1, 1, *SHAPE, generator=generator)
    return noisy, denoised, torch.full_like(noisy, 0.1)


NUMBERS = noise_numbers((0.3, 0.2, 0.0), coils=4, error=0.05)


def test_numbers_of_the_noise():
    torch.testing.assert_close(NUMBERS, torch.tensor([[0.3, 0.2, 0.0, math.log(4), 0.05]]))
    assert noise_numbers((0, 0, 0), coils=0.9, error=0.0)[0, 3] == 0


@torch.no_grad()
def test_half_widths_are_nested_and_in_units_of_the_scan(head, volumes):
    widths = head(*volumes, NUMBERS)
    assert widths.shape == (1, 2, *SHAPE) and (widths > 0).all() and (widths[:, 1] > widths[:, 0]).all()
    torch.testing.assert_close(head(*(1000 * volume for volume in volumes), NUMBERS), 1000 * widths, rtol=1e-4, atol=0)


@torch.no_grad()
def test_half_widths_depend_on_every_input(head, volumes):
    widths = head(*volumes, NUMBERS)
    for number in range(3):
        changed = [volume * 1.1 if index == number else volume for index, volume in enumerate(volumes)]
        assert not torch.allclose(head(*changed, NUMBERS), widths)
    for number in range(5):
        changed = NUMBERS.clone()
        changed[0, number] += 0.5
        assert not torch.allclose(head(*volumes, changed), widths)


@torch.no_grad()
def test_half_widths_depend_on_no_more_than_the_halo(head, volumes):
    noisy, denoised, sigma = volumes
    widths = head(noisy, denoised, sigma, NUMBERS)
    other = [volume.clone() for volume in (noisy, denoised)]
    for volume in other:
        volume[:, :, 0] += 0.5
    changed = (head(*other, sigma, NUMBERS) - widths).abs().amax(dim=(0, 1, 3, 4)) > 0
    assert changed[: head.halo].all() and not changed[head.halo + 1 :].any()


@torch.no_grad()
def test_factors_widen(head, volumes):
    widths = head(*volumes, NUMBERS)
    head.factors.copy_(torch.tensor([1.5, 2.0]))
    torch.testing.assert_close(head(*volumes, NUMBERS), widths * torch.tensor([1.5, 2.0])[:, None, None, None])
    assert "factors" in head.state_dict()
