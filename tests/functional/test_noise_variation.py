"""How much a noise level differs over tissue, against what is known of the map."""

import math

import pytest
import torch

from monai_unsup_denoise.functional import log_sigma_rms, median_tissue_sigma


@pytest.fixture
def head() -> torch.Tensor:
    """Tissue of 1 in the middle half of the first axis, air of 0.1 beside it; a part is masked."""
    image = torch.full((1, 1, 80, 16, 16), 0.1)
    image[:, :, 20:60] = 1.0
    image[..., :4] = 0.0
    return image


def test_noise_that_is_the_same_everywhere_does_not_vary(head):
    even = torch.full((1, 20, 4, 4), 0.3)
    assert log_sigma_rms(even, torch.tensor([0.3]), head).tolist() == [0.0]
    assert log_sigma_rms(even, torch.tensor([0.15]), head).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("factor", [1.3, 2.0])
def test_a_level_that_rises_evenly_varies_by_the_deviation_of_a_uniform_logarithm(head, factor):
    place = torch.linspace(-0.5, 0.5, 400).view(1, -1, 1, 1)
    levels = 0.1 * factor ** (2 * place).expand(1, -1, 4, 4)  # by the factor over the tissue, half of the axis
    image = torch.nn.functional.interpolate(head, size=(400, 16, 16))
    expected = math.log(factor) / math.sqrt(12)
    assert log_sigma_rms(levels, torch.tensor([0.1]), image).item() == pytest.approx(expected, rel=0.02)
    assert log_sigma_rms(7 * levels, torch.tensor([0.7]), 7 * image).item() == pytest.approx(expected, rel=0.02)


def test_air_and_masks_have_no_say(head):
    levels = torch.full((1, 20, 4, 4), 9.0)
    levels[:, 5:15, :, 1:] = 0.2
    assert log_sigma_rms(levels, torch.tensor([0.2]), head).item() == 0
    assert median_tissue_sigma(levels, head).item() == pytest.approx(0.2)


def test_each_volume_of_a_batch_has_its_own(head):
    levels = torch.cat([torch.full((1, 20, 4, 4), level) for level in (0.1, 0.4)])
    both = log_sigma_rms(levels, torch.tensor([0.1, 0.2]), head.expand(2, -1, -1, -1, -1))
    torch.testing.assert_close(both, torch.tensor([0.0, math.log(2)]))
    torch.testing.assert_close(median_tissue_sigma(levels, head.expand(2, -1, -1, -1, -1)), torch.tensor([0.1, 0.4]))


def test_the_typical_level_is_the_median(head):
    levels = torch.full((1, 20, 4, 4), 0.2)
    levels[:, 5:9] = 5.0
    assert median_tissue_sigma(levels, head).item() == pytest.approx(0.2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_without_tissue_nothing_varies_and_all_is_typical(value):
    image, levels = torch.full((1, 1, 8, 8, 8), value), torch.full((1, 2, 2, 2), 0.3)
    assert log_sigma_rms(levels, torch.tensor([0.1]), image).item() == 0
    assert median_tissue_sigma(levels, image).item() == pytest.approx(0.3)
