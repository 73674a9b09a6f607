"""Whether a scan is like those that the model was trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional.scan_statistics import NAMES, scan_statistics

NEIGHBOURS = 5


class KnownScans:
    """The statistics of many scans, and how far others may be from them.

    The distance of a scan is that to its fifth nearest neighbour, in standard deviations of the known ones: Sun Y, Ming
    Y, Zhu X, Li Y (2022). Out-of-distribution detection with deep nearest neighbors. ICML. There of deep features, here
    of `scan_statistics`, which a reader can check.

    Args:
        path: of a CSV file with the columns `NAMES`, a row for each known scan.
        limit: the distance beyond which a scan counts as unlike them.

    Raises:
        InputError: if the file is missing or is no such table.
    """

    def __init__(self, path: str | Path, *, limit: float) -> None:
        try:
            with open(path, newline="", encoding="utf-8") as file:
                known = np.asarray([[float(row[name]) for name in NAMES] for row in csv.DictReader(file)])
        except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise InputError(f"{path}: no table of scan statistics; give that of the bundle") from error
        if not np.isfinite(known).all() or len(known) <= NEIGHBOURS:
            raise InputError(f"{path}: {len(known)} rows with numbers missing or too few; give that of the bundle")
        self.limit = limit
        self._mean, self._deviation = known.mean(0), known.std(0)
        self._tree = KDTree((known - self._mean) / self._deviation)

    def distance(self, denoised: np.ndarray) -> float:
        """In units of ``limit``, so that above 1 is unlike, of an image ``(X, Y, Z)`` without noise.

        It is in multiples of its reference intensity.
        """
        place = (scan_statistics(denoised) - self._mean) / self._deviation
        return float(self._tree.query(place, k=[NEIGHBOURS])[0][0]) / self.limit
