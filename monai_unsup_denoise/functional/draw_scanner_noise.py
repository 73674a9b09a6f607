"""Kinds of scanner noise at random, for training.

Shares of k-space, of partial Fourier and strengths of Gaussian filters are those of SNRAware (Xue H et al. (2025),
Radiology: Artificial Intelligence; MIT licence). It has measured g-maps; here they are random. The other ranges are
chosen to cover scans of clinical and research scanners.
"""

from collections.abc import Mapping
from itertools import product
from typing import TypeAlias

import numpy as np

from monai_unsup_denoise.functional.constant_background import ConstantBackground
from monai_unsup_denoise.functional.kspace_window import KSpaceWindow
from monai_unsup_denoise.functional.noise_gain import NoiseGain
from monai_unsup_denoise.functional.quiet_air import QuietAir
from monai_unsup_denoise.functional.resampling import Resampling
from monai_unsup_denoise.functional.scanner_noise import ScannerNoise

Rng: TypeAlias = np.random.RandomState | np.random.Generator

#: Names of the effects, attributes of ``ScannerNoise``.
EFFECTS = ("windows", "coils", "gain", "resampling", "rounding", "background", "quiet_air")

_RESOLUTIONS = (1.0, 0.75, 0.65, 0.55, 0.5)  # SNRAware, and zero filling to twice the matrix
_PARTIAL_FOURIER = (1.0, 0.875, 0.75, 0.625)  # SNRAware; along one axis
_STRENGTHS = {
    "gaussian": (0.8, 2.25),  # SNRAware
    "raised_cosine": (0.5, 1.0),
    "tukey": (0.1, 1.0),
    "fermi": (0.03, 0.15),
}
_COILS = (2, 4, 8, 16)
_NODES = 4  # of a g-map, along each axis
_G_FACTOR = 3.0  # highest over lowest of a g-map
_RECEIVE = 1.0  # largest log ratio of the noise in the middle and at the border, after correction of the field
_ANGLE = 10.0  # degrees, about each axis
_SLICE_FACTORS = (1.25, 1.5, 2.0)
_LEVELS = (200, 4096)  # integers up to the reference intensity
_AIR, _CONSTANT = 0.02, 0.1  # of the reference intensity: highest in air; highest constant
_MARGIN = 4  # voxels
_QUIET = (0.03, 0.9)  # share of the noise that is left in air
_FALL = (1.0, 12.0)  # voxels of the reach of quiet air
_FACE = (0.3, 0.9)  # distance of the plane of a removed face from the middle, in half sides


def check_effects(effects: Mapping[str, float]) -> Mapping[str, float]:
    """Probabilities of effects by name; a ValueError for unknown names and values outside [0, 1]."""
    if unknown := set(effects) - set(EFFECTS):
        raise ValueError(f"no effect {sorted(unknown)[0]!r}, only {', '.join(EFFECTS)}")
    if wrong := {name: p for name, p in effects.items() if not 0 <= p <= 1}:
        raise ValueError(f"a probability of an effect is in [0, 1], got {wrong}")
    return effects


def draw_scanner_noise(
    rng: Rng, effects: Mapping[str, float], *, dimensions: int = 3, reference: float = 1.0
) -> ScannerNoise:
    """A random kind of noise, in which each effect occurs with its probability; the others are absent.

    Args:
        rng: NumPy's, old or new.
        effects: probabilities, by the names of ``EFFECTS``.
        dimensions: axes of the image, 2 or 3.
        reference: intensity that stands for 100 %, in the units of the image.

    Raises:
        ValueError: for unknown effects and values that are no probabilities.
    """
    check_effects(effects)
    # Quiet air is drawn last, so that what was drawn without it is drawn still.
    occurs = {name: rng.uniform() < effects.get(name, 0) for name in EFFECTS if name != "quiet_air"}
    return ScannerNoise(
        windows=_windows(rng, dimensions) if occurs["windows"] else (),
        coils=int(rng.choice(_COILS)) if occurs["coils"] else 1,
        gain=_gain(rng, dimensions) if occurs["gain"] else None,
        resampling=_resampling(rng, dimensions) if occurs["resampling"] else None,
        rounding=reference / float(np.exp(rng.uniform(*np.log(_LEVELS)))) if occurs["rounding"] else 0.0,
        background=_background(rng, dimensions, reference) if occurs["background"] else None,
        quiet_air=_quiet_air(rng, reference) if rng.uniform() < effects.get("quiet_air", 0) else None,
    )


def _windows(rng: Rng, dimensions: int) -> tuple[KSpaceWindow, ...]:
    """One taper for all axes, partial Fourier along one; half of the volumes are stacks of independent slices."""
    taper = rng.choice([*_STRENGTHS]) if rng.uniform() < 0.6 else None
    strength = float(rng.uniform(*_STRENGTHS[taper])) if taper else 1.0
    partial_axis, slice_axis = rng.choice(dimensions), rng.choice(dimensions)
    in_slices = dimensions == 3 and rng.uniform() < 0.5
    resolutions = _RESOLUTIONS if rng.uniform() < 0.7 else (1.0,)  # often there is no zero filling at all
    windows = []
    for axis in range(dimensions):
        share = float(rng.choice(resolutions))
        partial = float(rng.choice(_PARTIAL_FOURIER)) if axis == partial_axis else 1.0
        window = KSpaceWindow(share, partial, str(taper) if taper else None, strength)
        windows.append(KSpaceWindow() if in_slices and axis == slice_axis else window)
    return tuple(windows)


def _gain(rng: Rng, dimensions: int) -> NoiseGain:
    """A random g-map times a corrected receive field, either of which may be nearly flat."""
    nodes = list(product(np.linspace(-1, 1, _NODES), repeat=dimensions))
    g = np.log(_G_FACTOR) * rng.uniform() * rng.uniform(-0.5, 0.5, len(nodes))
    middle = rng.uniform(-0.5, 0.5, dimensions)
    g -= _RECEIVE * rng.uniform() * np.square(np.asarray(nodes) - middle).sum(1) / dimensions
    return NoiseGain((_NODES,) * dimensions, tuple(g.tolist()))


def _resampling(rng: Rng, dimensions: int) -> Resampling:
    """A rotation, or interpolation along one axis."""
    order = int(rng.choice([1, 3]))
    if rng.uniform() < 0.6:
        x, y, z = rng.uniform(-_ANGLE, _ANGLE, 3).tolist()
        return Resampling((x, y, z) if dimensions == 3 else (0.0, 0.0, z), order=order)
    factors = [1.0, 1.0, 1.0]
    factors[rng.choice(dimensions)] = float(rng.choice(_SLICE_FACTORS))
    return Resampling(factors=(factors[0], factors[1], factors[2]), order=order)


def _quiet_air(rng: Rng, reference: float) -> QuietAir:
    share = float(np.exp(rng.uniform(*np.log(_QUIET))))
    return QuietAir(share, _AIR * reference, round(float(np.exp(rng.uniform(*np.log(_FALL))))))


def _background(rng: Rng, dimensions: int, reference: float) -> ConstantBackground:
    """Masked air, a removed part, or both."""
    masked, cut = [(True, False), (False, True), (True, True)][rng.choice(3)]
    normal = rng.normal(size=dimensions)
    face = (tuple((normal / np.linalg.norm(normal)).tolist()), float(rng.uniform(*_FACE)))
    return ConstantBackground(
        value=float(rng.uniform(0, _CONSTANT * reference)) if rng.uniform() < 0.4 else 0.0,
        air=_AIR * reference if masked else None,
        margin=int(rng.choice(_MARGIN)),
        face=face if cut else None,
    )
