"""Derived MR series out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from monai.deploy.core import Operator, OperatorSpec
from outcome import Outcome, log, name_of

from monai_unsup_denoise import __version__
from monai_unsup_denoise.dicom import write_derived_series


class DerivedSeriesWriterOperator(Operator):
    """Writes each denoised series into a sub-folder of its own; the framework has no writer of MR images.

    Args:
        output_folder: where the sub-folders go.
        outcome: where each series is noted.
    """

    def __init__(self, fragment: Any, *args: Any, output_folder: Path, outcome: Outcome, **kwargs: Any) -> None:
        self._output_folder = output_folder
        self._outcome = outcome
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("denoised")

    def compute(self, op_input: Any, op_output: Any, context: Any) -> None:
        done = op_input.receive("denoised")
        with self._outcome.of(done.series):
            folder = self._output_folder / f"series-{done.series.number}"
            written = write_derived_series(
                done.series, done.voxels, folder, sigma=done.sigma, software=f"monai-unsup-denoise {__version__}"
            )
            self._outcome.written += 1
            noise = "noise level unknown to this model" if done.sigma is None else f"sigma {done.sigma:.4g}"
            log.info("%s: %d slices denoised, %s -> %s", name_of(done.series), len(written), noise, folder.name)
