"""Windows of k-space against scipy's, and the noise that passed them against its spectrum and correlation."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import windows

from monai_unsup_denoise.functional import KSpaceWindow
from monai_unsup_denoise.functional.kspace_window import filtered_noise

N = 64


def box(first, last):
    """Ones from line ``first`` to before ``last``, counted from the left edge of k-space."""
    return np.concatenate([np.zeros(first), np.ones(last - first), np.zeros(N - last)])


WINDOWS = {  # ours, and the same, edge of k-space first
    "zero filled to 4/3": (KSpaceWindow(0.75), box(8, 56)),
    "zero filled to twice": (KSpaceWindow(0.5), box(16, 48)),
    "partial Fourier": (KSpaceWindow(partial_fourier=0.625), box(0, 40)),
    "both": (KSpaceWindow(0.5, 0.75), box(16, 40)),
    "Hann": (KSpaceWindow(taper="raised_cosine"), windows.hann(N, sym=False)),
    "Hamming": (KSpaceWindow(taper="raised_cosine", strength=0.92), windows.hamming(N, sym=False)),
    "Tukey": (KSpaceWindow(taper="tukey", strength=0.4), windows.tukey(N, 0.4, sym=False)),
    "Gaussian": (KSpaceWindow(taper="gaussian", strength=1.5), windows.gaussian(N + 1, N / 2 / 1.5)[:N]),
    "Fermi": (KSpaceWindow(taper="fermi", strength=0.1), 1 / (1 + np.exp((np.abs(np.arange(-32, 32)) / 32 - 1) / 0.1))),
}


def noise_of(*axes):
    generator = torch.Generator().manual_seed(0)
    return filtered_noise([N] * len(axes), axes, like=torch.zeros(1), generator=generator).numpy()


@pytest.mark.parametrize("window, expected", WINDOWS.values(), ids=WINDOWS)
def test_window_equals_scipy_with_unit_mean_square(window, expected):
    weights = window.weights(N).numpy()
    np.testing.assert_allclose(np.fft.fftshift(weights), expected / np.sqrt(np.mean(expected**2)), atol=1e-6)
    assert np.mean(weights**2) == pytest.approx(1)


@pytest.mark.parametrize("names", [("Tukey", "both", "Gaussian"), ("Hann", "zero filled to 4/3", "Fermi")])
def test_power_spectrum_of_noise_is_the_squared_window(names):
    axes = [WINDOWS[name] for name in names]
    noise = noise_of(*(window for window, _ in axes))
    assert noise.real.std() == pytest.approx(1, rel=0.01) and noise.imag.std() == pytest.approx(1, rel=0.01)
    for axis, (_, h) in enumerate(axes):
        periodogram = np.abs(np.fft.fft(noise, axis=axis)) ** 2 / (2 * N)
        measured = np.fft.fftshift(periodogram.mean(axis=tuple({0, 1, 2} - {axis})))
        np.testing.assert_allclose(measured, h**2 / np.mean(h**2), rtol=0.12, atol=1e-9)


@pytest.mark.parametrize(
    "window, expected",
    [
        (KSpaceWindow(), (0, 0)),
        (KSpaceWindow(0.5), (2 / math.pi, 0)),  # sinc(l / 2)
        (KSpaceWindow(taper="raised_cosine"), (2 / 3, 1 / 6)),  # cos^4(k / 2) = (3 + 4 cos k + cos 2 k) / 8
        (KSpaceWindow(partial_fourier=0.75), (np.sinc(0.75) * math.cos(math.pi / 4), 0)),  # centre moved by 1/8
    ],
)
def test_correlation_of_neighbours_is_that_of_numpy(window, expected):
    analytic = window.autocorrelation(N).real[1:3]
    np.testing.assert_allclose(analytic, expected, atol=0.03)  # of a long axis
    lines = noise_of(KSpaceWindow(), KSpaceWindow(), window).reshape(-1, N)
    for channel in (lines.real, lines.imag):
        full = np.mean([np.correlate(line, line, "full") for line in channel], axis=0)[N - 1 :]
        measured = full[1:3] / full[0] * N / (N - np.arange(1, 3))
        np.testing.assert_allclose(measured, analytic, atol=0.01)


def test_windows_out_of_range_are_refused():
    for settings in ({"resolution": 0}, {"resolution": 1.1}, {"partial_fourier": 0.5}):
        with pytest.raises(ValueError, match="must be in"):
            KSpaceWindow(**settings)
    for settings in ({"taper": "boxcar"}, {"taper": "tukey", "strength": 0.0}):
        with pytest.raises(ValueError, match="None or one of raised_cosine, gaussian"):
            KSpaceWindow(**settings)
