"""Noise of scanners: level, correlation and distribution, measured, against scipy, numpy and the truth that is told."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.stats import kstest, ncx2

from monai_unsup_denoise.functional import (
    SCANNER_KINDS,
    ConstantBackground,
    KSpaceWindow,
    NoiseGain,
    Resampling,
    ScannerNoise,
    add_rician_noise,
    add_scanner_noise,
    noise_spectrum,
    noise_truth,
)

HIGH = 100.0  # signal over sigma: there the magnitude shows the noise of the real channel
BRIGHT = torch.full((48, 48, 48), HIGH)
BLUR = KSpaceWindow(0.5, taper="tukey", strength=0.5)


def noisy(scanner, image=BRIGHT, sigma=1.0, seed=0):
    return add_scanner_noise(image, sigma, scanner=scanner, generator=torch.Generator().manual_seed(seed))


def correlation(noise):
    """At lags 1 and 2 along each axis."""
    rows = []
    for axis, n in enumerate(noise.shape):
        lines = noise.movedim(axis, 0).numpy()
        rows.append([np.mean(lines[lag:] * lines[: n - lag]) / np.mean(lines**2) for lag in (1, 2)])
    return np.array(rows)


@pytest.mark.parametrize("shape", [(40, 30), (20, 24, 16)])
def test_default_is_rician_noise_to_the_bit(shape):
    image = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    expected = add_rician_noise(image, 0.1, generator=torch.Generator().manual_seed(0))
    assert torch.equal(noisy(ScannerNoise(), image, 0.1), expected)


@pytest.mark.parametrize("scanner", SCANNER_KINDS.values(), ids=SCANNER_KINDS)
def test_every_kind_has_the_level_and_correlation_it_tells(scanner):
    truth = noise_truth(BRIGHT, 1.0, scanner=scanner)
    noise = noisy(scanner) - HIGH
    noise -= noise.mean()  # sums of squares are biased by (coils - 1/2) sigma^2 / A
    assert (noise / truth.sigma).std().item() == pytest.approx(1, abs=0.01)
    if scanner.resampling is None:
        assert truth.sigma.square().mean().sqrt().item() == pytest.approx(1, abs=1e-6)  # what was asked for
    np.testing.assert_allclose(correlation(noise), truth.correlation, atol=0.02)
    assert truth.coils == scanner.coils


@pytest.mark.parametrize("windows", [(), (BLUR, KSpaceWindow(), KSpaceWindow())])
@pytest.mark.parametrize("snr", [0, 3])
def test_eight_coils_have_the_noncentral_chi_of_scipy(snr, windows):
    sigma, coils = 0.2, 8
    image = torch.full((32, 32, 32), snr * sigma)
    squares = (noisy(ScannerNoise(windows, coils=coils), image, sigma).double() / sigma).square()
    law = ncx2(2 * coils, snr**2)
    assert squares.mean().item() == pytest.approx(law.mean(), rel=0.01)
    assert squares.var().item() == pytest.approx(law.var(), rel=0.05)
    assert squares.sqrt().mean().item() == pytest.approx(law.expect(np.sqrt), rel=0.005)
    assert kstest(squares[::4, ::4, ::4].flatten().numpy(), law.cdf).pvalue > 0.01  # every fourth is independent


@pytest.mark.parametrize(
    "resampling, windows",
    [
        (Resampling((0, 0, 7)), (KSpaceWindow(0.75), KSpaceWindow(0.75, 0.75), KSpaceWindow())),
        (Resampling((4, -8, 7), order=3), ()),
        (Resampling(factors=(1, 1, 2)), ()),
        (Resampling(factors=(1.5, 1, 1), order=3), (KSpaceWindow(0.75), KSpaceWindow(0.75, 0.75), KSpaceWindow())),
    ],
)
def test_resampled_noise_has_the_level_told_at_each_voxel(resampling, windows):
    image, repeats = torch.full((18, 18, 18), HIGH), 60
    scanner = ScannerNoise(windows, resampling=resampling)
    truth = noise_truth(image, 1.0, scanner=scanner)
    noise = torch.stack([noisy(scanner, image, seed=seed) for seed in range(repeats)]) - HIGH
    measured, told = noise.square().mean(0).flatten(), truth.sigma.expand(image.shape).square().flatten()
    for part in told.argsort().chunk(5):
        assert (measured[part].mean() / told[part].mean()).item() == pytest.approx(1, abs=0.05)
    assert float(truth.floor_sigma) == 1 and told.max() < 1.05
    together = np.mean([correlation(one) for one in noise], axis=0)
    np.testing.assert_allclose(together, truth.correlation, atol=0.03)


def test_level_of_linear_interpolation_is_the_known_one():
    """Half-way between voxels the variance of white noise is halved, for each axis that is interpolated."""
    truth = noise_truth(BRIGHT, 1.0, scanner=ScannerNoise(resampling=Resampling(factors=(1, 1, 2))))
    torch.testing.assert_close(truth.sigma[0, 0, 24:26], torch.tensor([1.0, 0.5**0.5]))
    turned = noise_truth(BRIGHT, 1.0, scanner=ScannerNoise(resampling=Resampling((0, 0, 7))))
    assert turned.sigma.square().mean().item() == pytest.approx((2 / 3) ** 2, abs=0.01)  # over all positions, 2 axes


def test_resampling_keeps_clean_image_and_noise_floor():
    scanner = ScannerNoise(resampling=Resampling((5, 5, 5)))
    image = torch.rand((20, 20, 20), generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(noisy(scanner, image, 0.0), image)
    air = noisy(scanner, torch.zeros(40, 40, 40), 1.0)
    assert air.mean().item() == pytest.approx(math.sqrt(math.pi / 2), rel=0.01)


def test_gain_scales_the_noise_smoothly():
    rng = np.random.default_rng(0)
    gain = NoiseGain((3, 4, 3), tuple(rng.uniform(-0.7, 0.7, 36)))
    sigma = noise_truth(BRIGHT, 2.0, scanner=ScannerNoise(gain=gain)).sigma
    assert sigma.square().mean().sqrt().item() == pytest.approx(2, rel=1e-5) and sigma.max() > 1.5 * sigma.min()
    assert all(sigma.diff(dim=axis).abs().max() < 0.3 for axis in range(3))
    noise = noisy(ScannerNoise(gain=gain), sigma=2.0) - HIGH
    for part in sigma.flatten().argsort().chunk(6):
        ratio = noise.flatten()[part].std() / sigma.flatten()[part].square().mean().sqrt()
        assert ratio.item() == pytest.approx(1, abs=0.02)


def test_rounding_adds_a_twelfth_of_its_squared_unit():
    stored = noisy(ScannerNoise(rounding=1.5))
    assert torch.equal(stored, (stored / 1.5).round() * 1.5)
    assert stored.double().var().item() == pytest.approx(1 + 1.5**2 / 12, rel=0.015)
    assert torch.equal(stored, (noisy(ScannerNoise()) / 1.5).round() * 1.5)


def test_masked_background_is_exactly_the_constant():
    image = torch.zeros(20, 20, 20)
    image[5:15, 5:15, 5:15] = 1
    white = noisy(ScannerNoise(), image, 0.1)
    tissue = torch.zeros_like(image, dtype=torch.bool)
    tissue[3:17, 3:17, 3:17] = True  # a margin of two voxels
    masked = noisy(ScannerNoise(background=ConstantBackground(0.07, margin=2)), image, 0.1)
    assert (masked[~tissue] == torch.tensor(0.07)).all() and torch.equal(masked[tissue], white[tissue])
    defaced = noisy(ScannerNoise(background=ConstantBackground(0.0, air=None, face=((0, 1, 0), 0.5))), image, 0.1)
    assert not defaced[:, 15:].any() and torch.equal(defaced[:, :15], white[:, :15])  # of x from -1 to 1


def test_windows_filter_the_signal_only_on_request():
    line = torch.zeros(32, 24)
    line[10] = 1.0
    settings = {"windows": (BLUR, KSpaceWindow())}
    assert torch.equal(noisy(ScannerNoise(**settings), line, 0.0), line)
    blurred = noisy(ScannerNoise(**settings, filters_signal=True), line, 0.0)
    weights = BLUR.weights(32).numpy()
    expected = np.abs(np.roll(np.fft.ifft(weights / weights[0]), 10))
    np.testing.assert_allclose(blurred[:, 3], expected, atol=1e-6)
    flat = noisy(ScannerNoise(**settings, filters_signal=True), torch.ones(32, 24), 0.0)
    torch.testing.assert_close(flat, torch.ones(32, 24))


@pytest.mark.parametrize("kind", ["white", "tapered", "partial_fourier", "rotated"])
def test_spectrum_is_the_mean_periodogram(kind):
    shape, scanner = (16, 16, 16), SCANNER_KINDS[kind]
    spectrum = noise_spectrum(shape, scanner)
    assert spectrum.mean().item() == pytest.approx(1)
    image = torch.full(shape, HIGH)
    power = torch.stack([torch.fft.fftn(noisy(scanner, image, seed=i) - HIGH).abs() ** 2 for i in range(60)])
    measured = power.mean(0) / power.mean()
    measured[0, 0, 0] = spectrum[0, 0, 0]  # holds the bias of the mean
    for part in spectrum.flatten().argsort().chunk(8):
        assert (measured.flatten()[part].mean() - spectrum.flatten()[part].mean()).abs() < 0.06
    lags = torch.fft.ifftn(spectrum).real / torch.fft.ifftn(spectrum).real[0, 0, 0]
    truth = noise_truth(image, 1.0, scanner=scanner).correlation
    torch.testing.assert_close(torch.stack([lags[1, 0, 0], lags[0, 1, 0]]).float(), truth[:2, 0], atol=0.03, rtol=0)


@pytest.mark.parametrize("scanner", SCANNER_KINDS.values(), ids=SCANNER_KINDS)
def test_record_in_json_and_seed_replay_the_noise(scanner):
    again = ScannerNoise.from_record(json.loads(json.dumps(scanner.record())))
    assert again == scanner
    image = torch.rand((12, 14, 10), generator=torch.Generator().manual_seed(0))
    assert torch.equal(noisy(again, image, 0.1, seed=5), noisy(scanner, image, 0.1, seed=5))
    assert not torch.equal(noisy(scanner, image, 0.1, seed=5), noisy(scanner, image, 0.1, seed=6))


def test_short_axes_and_single_slices_have_noise_too():
    for shape in ((24, 24, 1), (24, 24, 2), (9, 1, 5)):
        image = torch.full(shape, HIGH)
        for scanner in SCANNER_KINDS.values():
            truth = noise_truth(image, 1.0, scanner=scanner)
            assert noisy(scanner, image).isfinite().all() and truth.sigma.isfinite().all()
            assert truth.correlation.abs().max() <= 1
            assert not any(
                row[lag - 1] for row, n in zip(truth.correlation, shape, strict=True) for lag in (1, 2) if lag >= n
            )


def test_gradients_reach_image_and_sigma():
    image = torch.full((6, 6, 6), 0.5, requires_grad=True)
    sigma = torch.full((6, 6, 6), 0.1, requires_grad=True)
    noisy(SCANNER_KINDS["zero_filled"], image, sigma).square().sum().backward()
    assert image.grad.abs().min() > 0 and sigma.grad.abs().max() > 0


def test_impossible_descriptions_are_refused():
    with pytest.raises(ValueError, match="1 windows for the axes of"):
        noisy(ScannerNoise((BLUR,)))
    for settings in ({"coils": 0}, {"rounding": -1.0}):
        with pytest.raises(ValueError, match="coils must be at least 1"):
            ScannerNoise(**settings)
    with pytest.raises(ValueError, match="order must be 1 or 3"):
        Resampling(order=2)
    with pytest.raises(ValueError, match="as many nodes"):
        NoiseGain((2, 2), (0.0,) * 3)
