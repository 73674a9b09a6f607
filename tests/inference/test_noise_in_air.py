"""The noise that was read agrees with air, where air has all of it."""

import pytest
import torch

from monai_unsup_denoise.functional import ScannerNoise, add_scanner_noise
from monai_unsup_denoise.functional.kspace_window import KSpaceWindow
from monai_unsup_denoise.functional.quiet_air import QuietAir
from monai_unsup_denoise.inference.noise import estimate_noise
from tests.inference.toy_networks import untrained_denoiser

SIGMA = 0.05
NETWORK = untrained_denoiser()
LAG1 = (0.3, 0.3, 0.0)


def slab(**effects) -> torch.Tensor:
    """Tissue of intensity 1 beside air, with noise that fills three quarters of two axes."""
    clean = torch.ones(64, 64, 48)
    clean[:32] = 0
    scanner = ScannerNoise((KSpaceWindow(0.75), KSpaceWindow(0.75), KSpaceWindow()), **effects)
    return add_scanner_noise(clean, SIGMA, scanner=scanner, generator=torch.Generator().manual_seed(0))[None, None]


def read(image, monkeypatch, *, sigma, correlation=LAG1, coils=1.2, varying=False):
    """The estimate, where the encoder has read this."""
    code = NETWORK.code_of(torch.tensor([sigma]), torch.tensor([correlation]), torch.tensor([coils]))
    monkeypatch.setattr(NETWORK, "noise_code", lambda _: (code, torch.full_like(code, -9.0)))
    return estimate_noise(image, NETWORK, varying=varying, denoise=lambda volume, _: volume)


@pytest.mark.parametrize("factor", [0.88, 1.0, 1.14])
@pytest.mark.parametrize(("coils", "said"), [(1, 1.2), (8, 6.1)])
def test_level_and_coils_of_air_are_taken(monkeypatch, factor, coils, said):
    noise = read(slab(coils=coils), monkeypatch, sigma=factor * SIGMA, coils=said)
    assert noise.sigma == pytest.approx(SIGMA, rel=0.015) and noise.coils == pytest.approx(coils)
    assert noise.correlation == pytest.approx(LAG1, abs=1e-6)


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_quiet_air_is_not_taken(monkeypatch, share):
    noise = read(slab(quiet_air=QuietAir(share)), monkeypatch, sigma=1.05 * SIGMA)
    assert noise.sigma == pytest.approx(1.05 * SIGMA) and noise.coils == pytest.approx(1.2)


def test_white_noise_has_its_own_encoder(monkeypatch):
    noise = read(slab(), monkeypatch, sigma=1.05 * SIGMA, correlation=(0.0, 0.0, 0.0), coils=1.0)
    assert noise.sigma == pytest.approx(1.05 * SIGMA)


def test_noise_that_is_even_in_air_does_not_vary(monkeypatch):
    level = NETWORK.level_code(SIGMA * torch.linspace(0.7, 1.4, 16).view(1, 16, 1, 1))
    read_map = torch.cat([level, torch.zeros(1, 4, 16, 1, 1)], dim=1)
    monkeypatch.setattr(NETWORK, "noise_map", lambda _: read_map)
    assert not read(slab(), monkeypatch, sigma=1.05 * SIGMA, varying=None).varies
    assert read(slab(quiet_air=QuietAir(0.3)), monkeypatch, sigma=1.05 * SIGMA, varying=None).varies


def test_a_map_is_left_as_it_is(monkeypatch):
    noise = read(slab(), monkeypatch, sigma=1.05 * SIGMA, varying=True)
    level = NETWORK.noise_map(NETWORK.noise_cells(slab()))[:, :1]
    assert noise.varies and torch.equal(noise.code[:, :1], level)
