"""Sigma and the number of coils from air: right where air is as it should be, and nothing where it is not."""

import pytest
import torch

from monai_unsup_denoise.functional import SCANNER_KINDS, ScannerNoise, add_scanner_noise, air_noise, noise_truth
from monai_unsup_denoise.functional.kspace_window import KSpaceWindow
from monai_unsup_denoise.functional.noise_gain import NoiseGain

SIGMA = 0.08


def head() -> torch.Tensor:
    """A textured cylinder in air, a third of the volume."""
    x, y, z = torch.meshgrid(torch.arange(96), torch.arange(80), torch.arange(48), indexing="ij")
    inside = (x - 48) ** 2 + (y - 40) ** 2 < 28**2
    return inside * (0.6 + 0.3 * torch.sin(x / 3.0) * torch.cos(y / 4.0 + z))


def noisy(scanner: ScannerNoise) -> torch.Tensor:
    return add_scanner_noise(head(), SIGMA, scanner=scanner, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("start", [0.87, 1.0, 1.15])
@pytest.mark.parametrize("coils", [1, 2, 4, 8])
def test_sigma_and_coils_are_those_of_the_noise(start, coils):
    found = air_noise(noisy(ScannerNoise(coils=coils)), start * SIGMA, coils=1.3 * coils)
    assert found is not None and found.coils == coils and found.sigma == pytest.approx(SIGMA, rel=0.015)


@pytest.mark.parametrize("kind", ["zero_filled", "zero_filled_twice", "tapered", "filtered", "partial_fourier"])
@pytest.mark.parametrize("start", [0.87, 1.14])
def test_correlation_of_the_noise_does_not_matter(kind, start):
    found = air_noise(noisy(SCANNER_KINDS[kind]), start * SIGMA)
    assert found is not None and found.coils == 1 and found.sigma == pytest.approx(SIGMA, rel=0.03)


def test_sigma_is_in_the_units_of_the_image():
    image = noisy(ScannerNoise())
    one, thousand = air_noise(image, SIGMA), air_noise(1000 * image, 1000 * SIGMA)
    assert one is not None and thousand is not None and thousand.sigma == pytest.approx(1000 * one.sigma, rel=1e-5)


def test_masked_voxels_do_not_count():
    image = noisy(ScannerNoise())
    image[:, :16] = 0
    found = air_noise(image, SIGMA)
    assert found is not None and found.sigma == pytest.approx(SIGMA, rel=0.02)
    assert air_noise(torch.where(head() > 0, image, 0), SIGMA) is None


def test_resampled_noise_is_not_that_of_air():
    """Magnitudes that were averaged vary less, and their mean is that of the noise before."""
    scanner = SCANNER_KINDS["rotated"]
    image = noisy(scanner)
    assert air_noise(image, float(noise_truth(head(), SIGMA, scanner=scanner).sigma.median())) is None


def test_uneven_noise_has_no_level():
    rising = NoiseGain((2, 1, 1), (-0.8, 0.8))
    assert air_noise(noisy(ScannerNoise(gain=rising)), SIGMA) is None


@pytest.mark.parametrize("known", [{"sigma": SIGMA / 3}, {"sigma": SIGMA, "coils": 4.0}])
def test_air_that_is_far_from_what_is_known_is_not_taken(known):
    assert air_noise(noisy(ScannerNoise()), **known) is None


@pytest.mark.parametrize("shape", [(96, 80, 1), (12, 10, 8), (4, 3, 2), (200, 5, 40)])
def test_volumes_of_any_shape_are_read_or_left(shape):
    scanner = ScannerNoise((KSpaceWindow(0.75),) * 3)
    image = add_scanner_noise(torch.zeros(shape), 1.0, scanner=scanner, generator=torch.Generator().manual_seed(1))
    found = air_noise(image, 1.0)
    assert found is None or found.sigma == pytest.approx(1, rel=0.1)
    assert (found is None) == (shape in ((12, 10, 8), (4, 3, 2)))
