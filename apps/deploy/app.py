"""MONAI Deploy application: reads a DICOM study and writes a derived series for each MR volume in it."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from stop import exit_when_asked

if __name__ == "__main__":
    exit_when_asked()  # before the framework, which would end us in the middle of a file

CHATTY = any(option.startswith(("-l", "--log-level")) for option in sys.argv[1:])
os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "INFO" if CHATTY else "ERROR")  # read when the framework is imported

from denoise_operator import DenoiseOperator  # noqa: E402
from model_path import load_denoiser  # noqa: E402
from monai.deploy.core import Application, RuntimeEnv, parse_args  # noqa: E402
from monai.deploy.core.arg_parser import set_up_logging  # noqa: E402
from outcome import Outcome, log, reason_of  # noqa: E402
from series_writer_operator import DerivedSeriesWriterOperator  # noqa: E402
from study_operator import DicomStudyOperator, mr_volumes  # noqa: E402

from monai_unsup_denoise.errors import InputError  # noqa: E402
from monai_unsup_denoise.inference.denoiser import Denoiser  # noqa: E402
from monai_unsup_denoise.io.dicom import DicomSeries, check_folder, folder_name  # noqa: E402
from monai_unsup_denoise.io.outputs import check_inside  # noqa: E402


class DenoiseApp(Application):
    """Read -> denoise -> write, series by series.

    Args:
        series: series to denoise.
        denoiser: denoises each of them.
        output_folder: gets a sub-folder for each of them.
    """

    def __init__(self, series: Sequence[DicomSeries], *, denoiser: Denoiser, output_folder: Path) -> None:
        self.series = series
        self.denoiser = denoiser
        self.output_folder = output_folder
        self.outcome = Outcome()
        self.to_do: list[DicomSeries] = []
        super().__init__([sys.executable, sys.argv[0]])  # the framework need not understand our options

    def compose(self) -> None:
        read = DicomStudyOperator(self, series=self.to_do, outcome=self.outcome, name="read")
        denoise = DenoiseOperator(self, denoiser=self.denoiser, outcome=self.outcome, name="denoise")
        write = DerivedSeriesWriterOperator(self, folder_of=self.folder_of, outcome=self.outcome, name="write")
        self.add_flow(read, denoise, {("volume", "volume")})
        self.add_flow(denoise, write, {("denoised", "denoised")})

    def folder_of(self, series: DicomSeries) -> Path:
        """A sub-folder of the output, named as on the command line."""
        return self.output_folder / folder_name(series, self.series)

    def check_folders(self) -> None:
        """Leave out, before any work is done, the series that could not be written."""
        for series in self.series:
            with self.outcome.of(series):
                folder = self.folder_of(series)
                check_inside(folder, self.output_folder)
                check_folder(folder, source=series, overwrite=False)
                self.to_do.append(series)


def main() -> int:
    """Run with the command line, or with the variables that a MONAI Application Package sets.

    Returns:
        0 if every MR series of several slices was denoised; 1 if one could not be, or there is none.
    """
    options = parse_args()
    set_up_logging(options.log_level or "WARN")  # the framework's INFO holds paths
    log.setLevel(options.log_level or logging.INFO)
    if not CHATTY:  # those of pydicom quote the values of tags
        warnings.simplefilter("ignore")
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    places = RuntimeEnv({"model": ("HOLOSCAN_MODEL_PATH", "")})
    model = options.model or places.model
    try:
        series = mr_volumes(Path(options.input or places.input))
    except Exception as error:  # a traceback would name files
        print(f"error: the input folder: {reason_of(error)}", file=sys.stderr)
        return 1
    try:
        denoiser = load_denoiser(Path(model) if model else None)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    app = DenoiseApp(series, denoiser=denoiser, output_folder=Path(options.output or places.output))
    app.check_folders()
    if app.to_do:
        app.run()
    return 1 if app.outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
