"""What a report shows of one scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ReportContent:
    """A scan before and after denoising, and what is known of its noise.

    Attributes:
        name: title of the page, without folders.
        noisy, denoised: ``(X, Y, Z)``, in scanner units.
        affine: from voxels to millimetres, right-anterior-superior, ``(4, 4)``.
        noise: as `DenoisedVolume.noise_report` gives it.
        maps: noise level ("sigma") of each voxel, and what the error is less than in 68 % of them ("uncertainty"), as
            far as there are any, of the same shape and units.
        software: name and version, and what of its settings is unusual.
        notes: sentences about the scan that a reader should know.
    """

    name: str
    noisy: np.ndarray
    denoised: np.ndarray
    affine: np.ndarray
    noise: Mapping[str, Any]
    maps: Mapping[str, np.ndarray]
    software: str
    notes: tuple[str, ...] = ()

    @cached_property
    def removed(self) -> np.ndarray:
        """The scan before minus after denoising."""
        return self.noisy - self.denoised

    @property
    def sigma(self) -> float | np.ndarray | None:
        """The noise level: a map if there is one, or one number; None where the model does not estimate it."""
        return self.maps.get("sigma", self.noise["sigma"])
