"""What a denoiser invents: lesions where there are none, detail that the truth does not have."""

from __future__ import annotations

import numpy as np

from monai_unsup_denoise.benchmark.trust.observer import respond, train

_HELD = 0.5  # correlation of rings above which a frequency is that of the truth


def false_alarms(present: np.ndarray, absent: np.ndarray, elsewhere: np.ndarray, *, found: float = 0.9) -> float:
    """Share of the lesion-free images ``elsewhere`` that an observer takes for lesions.

    Its threshold is where it finds the share ``found`` of the lesions. All are ``(N, n, n, n)``; the observer is
    trained on one half of ``present`` and ``absent``, its threshold is set on the other.
    """
    template = train(present[::2], absent[::2])
    threshold = np.quantile(respond(present[1::2], template), 1 - found)
    return float((respond(elsewhere, template) > threshold).mean())


def ring_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Fourier ring correlation of two square patches, by frequency in steps of one over the side.

    Van Heel M, Schatz M (2005). Fourier shell correlation threshold criteria. J Struct Biol 151(3):250-262.
    """
    side = one.shape[0]
    window = np.outer(np.hanning(side), np.hanning(side))
    spectra = [np.fft.fft2((patch - patch.mean()) * window) for patch in (one, other)]
    frequency = np.fft.fftfreq(side) * side
    ring = np.rint(np.hypot(*np.meshgrid(frequency, frequency, indexing="ij"))).astype(int)
    inside = ring <= side // 2
    cross = np.bincount(ring[inside], (spectra[0] * spectra[1].conj()).real[inside])
    power = [np.bincount(ring[inside], np.square(np.abs(spectrum))[inside]) for spectrum in spectra]
    return cross / np.maximum(np.sqrt(power[0] * power[1]), np.finfo(np.float64).tiny)


def true_frequency(denoised: np.ndarray, clean: np.ndarray) -> float:
    """Up to which frequency, of the highest, a square patch agrees with the truth."""
    held = ring_correlation(denoised, clean)[1:] >= _HELD
    return 1.0 if held.all() else float(held.argmin() / len(held))


def departure_map(denoised: np.ndarray, clean: np.ndarray, *, side: int = 32) -> np.ndarray:
    """`true_frequency` of each patch of a slice ``(X, Y)``, side by side; NaN where the truth is even.

    In the manner of sFRC, arXiv:2603.04673.
    """
    rows, columns = (size // side for size in clean.shape)
    found = np.full((rows, columns), np.nan)
    for row in range(rows):
        for column in range(columns):
            region = slice(row * side, (row + 1) * side), slice(column * side, (column + 1) * side)
            if clean[region].std() > 0:
                found[row, column] = true_frequency(denoised[region], clean[region])
    return found
