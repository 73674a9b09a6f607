"""A DICOM study in, one series at a time."""

from __future__ import annotations


from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai.deploy.core import Operator, OperatorSpec
from outcome import Outcome

from monai_unsup_denoise.dicom import find_series, read_series
from monai_unsup_denoise.errors import InputError


@dataclass(frozen=True)
class SeriesVolume:
    """A series, and its voxels: a MetaTensor ``(X, Y, Z)``, as :func:`read_series` gives it.

    A class of its own, because the framework turns a bare tensor between operators into one of its own kind.
    """

    series: Any
    image: Any


class DicomStudyOperator(Operator):
    """Reads the series of a study, each when the one before it has been passed on: one volume in memory.

    The framework's own loader drops all but one image of each position (echoes, repetitions), and its volume swaps
    row and column spacing and takes the type of the first slice; both log identifiers and paths. Hence
    :mod:`monai_unsup_denoise.dicom`, as on the command line.

    Args:
        series: what to read.
        outcome: where a series that cannot be read is noted.
    """

    def __init__(self, fragment: Any, *args: Any, series: Sequence[Any], outcome: Outcome, **kwargs: Any) -> None:
        self._remaining = iter(series)
        self._outcome = outcome
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.output("volume")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        for series in self._remaining:
            with self._outcome.of(series):
                op_output.emit(SeriesVolume(series, read_series(series)), "volume")
                return
        self.stop_execution()
