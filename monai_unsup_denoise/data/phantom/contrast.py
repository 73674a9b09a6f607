"""Relaxation parameters of the tissues, and the signal equations of two sequences."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

TISSUES = ("air", "csf", "grey", "white", "fat", "muscle", "bone")
AIR, CSF, GREY, WHITE, FAT, MUSCLE, BONE = range(7)

#: T1, T2, T2* in ms and proton density at 1.5 T, as in BrainWeb (bone: almost no signal).
_RELAXATION = np.array(
    [
        [1.0, 1.0, 1.0, 0.0],
        [2569.0, 329.0, 58.0, 1.0],
        [833.0, 83.0, 69.0, 0.86],
        [500.0, 70.0, 61.0, 0.77],
        [350.0, 70.0, 58.0, 1.0],
        [900.0, 47.0, 30.0, 1.0],
        [800.0, 40.0, 20.0, 0.06],
    ]
)


class Relaxation(NamedTuple):
    """T1, T2, T2* in ms and relative proton density, each ``(7,)`` in the order of ``TISSUES``."""

    t1: np.ndarray
    t2: np.ndarray
    t2_star: np.ndarray
    density: np.ndarray


def relaxation(rng: np.random.Generator | None = None, *, spread: float = 0.05) -> Relaxation:
    """Tissue parameters; with ``rng`` those of one subject, varied by factors ``exp(spread * N(0, 1))``."""
    table = _RELAXATION.copy()
    if rng is not None:
        table *= np.exp(spread * rng.standard_normal(table.shape).clip(-2, 2))
    return Relaxation(*table.T)


def spoiled_flash(tissue: Relaxation, *, tr: float, te: float, flip: float) -> np.ndarray:
    """Signal of a spoiled gradient echo, ``(7,)``; TR and TE in ms, flip angle in degrees.

    PD sin(flip) (1 - E1) / (1 - cos(flip) E1) exp(-TE / T2*),    E1 = exp(-TR / T1)
    """
    angle, e1 = np.deg2rad(flip), np.exp(-tr / tissue.t1)
    return tissue.density * np.sin(angle) * (1 - e1) / (1 - np.cos(angle) * e1) * np.exp(-te / tissue.t2_star)


def spin_echo(tissue: Relaxation, *, tr: float, te: float) -> np.ndarray:
    """Signal of a spin echo, ``(7,)``: ``PD (1 - exp(-TR / T1)) exp(-TE / T2)``; TR and TE in ms."""
    return tissue.density * (1 - np.exp(-tr / tissue.t1)) * np.exp(-te / tissue.t2)


def random_signals(rng: np.random.Generator) -> np.ndarray:
    """Independent uniform signals ``(7,)`` of all tissues; air has 0, compact bone at most 0.2.

    Covers every sequence, and more. SynthSeg: Billot et al., Medical Image Analysis 86 (2023) 102789.
    """
    return rng.uniform(0, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.2])


#: Signals ``(7,)`` of each contrast, for given tissue parameters and random sequence parameters.
CONTRASTS: dict[str, Callable[[Relaxation, np.random.Generator], np.ndarray]] = {
    "T1w": lambda tissue, rng: spoiled_flash(
        tissue, tr=rng.uniform(14, 24), te=rng.uniform(4, 10), flip=rng.uniform(26, 36)
    ),
    "PDw": lambda tissue, rng: spin_echo(tissue, tr=rng.uniform(2000, 4000), te=rng.uniform(10, 35)),
    "T2w": lambda tissue, rng: spin_echo(tissue, tr=rng.uniform(3000, 5000), te=rng.uniform(80, 130)),
    "random": lambda tissue, rng: random_signals(rng),
}
