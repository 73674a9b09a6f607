"""Write derived MR series."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext
from outcome import Outcome, log, name_of
from stop import writing

from monai_unsup_denoise import __version__
from monai_unsup_denoise.io.dicom import DicomSeries, write_derived_series


class DerivedSeriesWriterOperator(Operator):
    """Writes each denoised series into its own sub-folder; the framework has no writer of MR images.

    Args:
        folder_of: the folder of a series.
        outcome: counts the series that cannot be written.
    """

    def __init__(
        self, fragment: Fragment, *, folder_of: Callable[[DicomSeries], Path], outcome: Outcome, name: str
    ) -> None:
        self.folder_of = folder_of
        self.outcome = outcome
        super().__init__(fragment, name=name)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("denoised")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        done = op_input.receive("denoised")
        with self.outcome.of(done.series), writing:
            software = f"monai-unsup-denoise {__version__}"
            folder = self.folder_of(done.series)
            write_derived_series(done.series, done.voxels, folder, sigma=done.sigma, software=software)
            log.info("%s: denoised, %d slices, %s", name_of(done.series), done.voxels.shape[2], done.noise)
