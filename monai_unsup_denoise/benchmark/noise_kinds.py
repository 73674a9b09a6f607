"""Cases with other kinds of noise than white: zero-filled, filtered, of several coils, with a map of the level."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from monai_unsup_denoise.benchmark.cases import Case
from monai_unsup_denoise.benchmark.scores import SCORE_COLUMNS, foreground
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional import SCANNER_KINDS, NoiseTruth, noise_spectrum, noise_truth

#: Columns of noise_kinds.csv beside those of every benchmark, see :meth:`KindCase.measure`.
KIND_COLUMNS = (*SCORE_COLUMNS, "lag1_error")


@dataclass(frozen=True)
class KindCase(Case):
    """A volume with noise of a kind. All kinds are made of the same random numbers.

    Attributes:
        kind: of the noise, a name of `SCANNER_KINDS`.
    """

    kind: str

    @cached_property
    def sigma(self) -> float:
        """Of one channel after all effects; where it varies, the median over the foreground of the slices."""
        sigma = self._truth().sigma.numpy()
        if not sigma.ndim:
            return float(sigma)
        tissue = foreground(self.clean)
        return float(np.median(self._cut(sigma)[tissue if tissue.any() else ...]))

    @property
    def spectrum(self) -> np.ndarray | None:
        """Power of the noise at each frequency of `numpy.fft.fftn`, ``(X, Y, Z)``, mean 1; None if it is white."""
        scanner = SCANNER_KINDS[self.kind]
        if not scanner.windows and scanner.resampling is None:
            return None
        return noise_spectrum(self.clean.shape, scanner).numpy()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all voxels, and of what a method can be told about the noise."""
        spectrum = self.spectrum
        told = np.float64(self.sigma).tobytes() + (b"" if spectrum is None else spectrum.tobytes())
        return hashlib.sha256(self.noisy.tobytes() + self.clean.tobytes() + told).hexdigest()

    def measure(
        self, denoised: np.ndarray, estimated_sigma: float | None = None, estimated_lag1: Sequence[float] | None = None
    ) -> dict[str, float]:
        """The scores by column of noise_kinds.csv.

        Beside those of results.csv ``lag1_error``, the largest absolute error over the axes of the correlation of
        neighbours, NaN if the method does not report it.
        """
        error = math.nan
        if estimated_lag1 is not None:
            error = float(np.abs(self._truth().correlation[:, 0].numpy() - estimated_lag1).max())
        return super().measure(denoised, estimated_sigma) | {"lag1_error": error}

    def _truth(self) -> NoiseTruth:
        clean = torch.from_numpy(self.volume.clean).double()  # so that sigma is not rounded
        return noise_truth(clean, self.level / 100, scanner=SCANNER_KINDS[self.kind])


def make_kind_cases(cases: Sequence[Case], kinds: Sequence[str]) -> list[KindCase]:
    """The cases with every kind of noise."""
    return [KindCase(case.volume, case.level, case.seed, kind) for kind in kinds for case in cases]


def find_kinds(words: Sequence[str]) -> list[str]:
    """Kinds of noise by name, in the order of `SCANNER_KINDS`; ``all`` for all of them.

    Raises:
        InputError: for an unknown kind.
    """
    if unknown := [word for word in words if word not in (*SCANNER_KINDS, "all")]:
        raise InputError(f"--noise {unknown[0]}: no such kind; choose from {', '.join(SCANNER_KINDS)}, or all")
    return [kind for kind in SCANNER_KINDS if "all" in words or kind in words]
