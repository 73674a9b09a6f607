"""Kinds of noise with a name, for validation and benchmark: images of three axes whose clean maximum is 1."""

import itertools

from monai_unsup_denoise.functional.constant_background import ConstantBackground
from monai_unsup_denoise.functional.kspace_window import KSpaceWindow
from monai_unsup_denoise.functional.noise_gain import NoiseGain
from monai_unsup_denoise.functional.resampling import Resampling
from monai_unsup_denoise.functional.scanner_noise import ScannerNoise

_SAMPLED = KSpaceWindow()
_FILLED = KSpaceWindow(0.75)
_TAPER = KSpaceWindow(taper="tukey", strength=0.5)
_HANN = KSpaceWindow(taper="raised_cosine")
_NODES = itertools.product((-1, 0, 1), repeat=3)
_G_MAP = NoiseGain((3, 3, 3), tuple(-0.35 * (x**2 + y**2 + z**2) for x, y, z in _NODES))  # highest in the middle


def _in_plane(first: KSpaceWindow, second: KSpaceWindow) -> ScannerNoise:
    """The same on the first two axes, as of 2-D multi-slice scans; slices are independent."""
    return ScannerNoise((first, second, _SAMPLED))


SCANNER_KINDS: dict[str, ScannerNoise] = {
    "white": ScannerNoise(),
    "zero_filled": _in_plane(_FILLED, _FILLED),
    "zero_filled_twice": _in_plane(KSpaceWindow(0.5), KSpaceWindow(0.5)),
    "tapered": _in_plane(_TAPER, _TAPER),
    "filtered": _in_plane(_HANN, _HANN),
    "partial_fourier": _in_plane(_SAMPLED, KSpaceWindow(partial_fourier=0.75)),
    "sum_of_squares": ScannerNoise(coils=8),
    "g_map": ScannerNoise(gain=_G_MAP),
    "all_together": ScannerNoise(
        (KSpaceWindow(0.75, taper="tukey", strength=0.5), KSpaceWindow(0.75, 0.875, "tukey", 0.5), _SAMPLED),
        coils=4,
        gain=_G_MAP,
        rounding=1 / 500,
        background=ConstantBackground(margin=2),
    ),
    "rotated": ScannerNoise(resampling=Resampling((0.0, 0.0, 7.0))),
}
