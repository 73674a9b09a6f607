"""Nearly clean scans of fine structure are changed less."""

import dataclasses

import pytest
import torch

from monai_unsup_denoise.functional import add_rician_noise, least_sigma
from monai_unsup_denoise.inference import VolumeInferer
from monai_unsup_denoise.inference.noise import estimate_noise
from monai_unsup_denoise.inference.settings import DenoiseSettings
from tests.inference.toy_networks import Spy

SIGMA = 0.01


def scan(structure: float) -> torch.Tensor:
    """Tissue of intensity 1 with independent structure in each voxel, and noise."""
    generator = torch.Generator().manual_seed(0)
    clean = (1 + structure * torch.randn(48, 48, 12, generator=generator)).clamp(min=0)
    return add_rician_noise(clean, SIGMA, generator=generator)[None, None]


def read(image: torch.Tensor, monkeypatch, sigma: float):
    network = Spy(factor=0.0)
    monkeypatch.setattr(network, "noise_code", lambda cells: (torch.full((1, 1), sigma), torch.full((1, 1), -20.0)))
    return network, estimate_noise(image, network, varying=False, denoise=lambda volume, code: volume)


@pytest.mark.parametrize("structure", [0.05, 0.1])
def test_share_is_sigma_over_half_of_the_least_variation(monkeypatch, structure):
    image = scan(structure)
    _, noise = read(image, monkeypatch, SIGMA)
    assert noise.share == pytest.approx(2 * SIGMA / least_sigma(image)) and 0.1 < noise.share < 0.7


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.3])
def test_all_of_the_change_is_made_where_tissue_is_even(monkeypatch, factor):
    assert read(scan(0.0), monkeypatch, factor * SIGMA)[1].share == 1


def test_change_is_made_by_the_share(monkeypatch):
    image = scan(0.1)
    network, noise = read(image, monkeypatch, SIGMA)
    inferer = VolumeInferer(settings=DenoiseSettings(varying_noise=False, refine=False))
    all_of_it = inferer(image, network, noise=dataclasses.replace(noise, share=1.0))
    assert float((all_of_it - image).abs().mean()) > 0.5
    torch.testing.assert_close(inferer(image, network, noise=noise), image + noise.share * (all_of_it - image))


def test_a_masked_scan_without_patches_is_changed_as_usual(monkeypatch):
    image = scan(0.1) * (torch.arange(48) % 2)[:, None, None]
    assert read(image, monkeypatch, SIGMA)[1].share == 1
