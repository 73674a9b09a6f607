"""Air that has less noise than tissue, and the share of the noise in a residual."""

import numpy as np
import pytest
import torch

from monai_unsup_denoise.functional import (
    ScannerNoise,
    add_rician_noise,
    add_scanner_noise,
    draw_scanner_noise,
    noise_truth,
    residual_share,
)
from monai_unsup_denoise.functional.quiet_air import QuietAir


def ball() -> torch.Tensor:
    x, y, z = torch.meshgrid(*[torch.arange(-20.0, 20)] * 3, indexing="ij")
    return (x**2 + y**2 + z**2 < 12**2).float()


def rms(x: torch.Tensor) -> float:
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_noise_is_sigma_in_tissue_and_a_share_of_it_in_air(share):
    clean, scanner = ball(), ScannerNoise(quiet_air=QuietAir(share))
    noisy = add_scanner_noise(clean, 0.05, scanner=scanner, generator=torch.Generator().manual_seed(0))
    assert rms((noisy - clean)[clean > 0]) == pytest.approx(0.05, rel=0.03)
    assert rms(noisy[:5]) == pytest.approx(share * 0.05 * 2**0.5, rel=0.03)  # E[m^2] = 2 sigma^2
    assert float(noise_truth(clean, 0.05, scanner=scanner).sigma) == pytest.approx(0.05)


def test_noise_falls_smoothly_from_tissue_to_air():
    line = QuietAir(0.2, reach=2).map(ball())[:, 20, 20]
    inside = ball()[:, 20, 20] > 0
    assert (line[inside] == 1).all() and line[0] == pytest.approx(0.2)
    assert (line[: int(inside.int().argmax()) + 1].diff() >= 0).all()
    assert line.diff().abs().max() < 0.3


def test_quiet_air_is_recorded_and_replayed():
    scanner = draw_scanner_noise(np.random.default_rng(0), {"quiet_air": 1.0})
    assert scanner.quiet_air is not None and ScannerNoise.from_record(scanner.record()) == scanner


def test_records_without_quiet_air_are_still_read():
    record = ScannerNoise(coils=4).record()
    del record["quiet_air"]
    assert ScannerNoise.from_record(record) == ScannerNoise(coils=4)


@pytest.mark.parametrize("wrong", [{"share": 1.5}, {"share": -0.1}, {"reach": -1}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="share"):
        QuietAir(**wrong)


@pytest.mark.parametrize(("told", "expected"), [(0.05, 1.0), (0.1, 0.5), (0.2, 0.25)])
def test_share_of_a_perfect_denoising_is_true_over_told_sigma(told, expected):
    clean = 5 + ball()[None, None]
    noisy = add_rician_noise(clean, 0.05, generator=torch.Generator().manual_seed(0))
    assert residual_share(noisy, clean, torch.tensor(told)) == pytest.approx(expected, rel=0.05)


def test_share_of_a_volume_without_tissue_is_one():
    assert residual_share(torch.zeros(1, 1, 8, 8, 8), torch.zeros(1, 1, 8, 8, 8), torch.tensor(0.1)) == 1
