"""MONAI Deploy application: a DICOM study in, a derived series out for each MR series that can be denoised."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHATTY = any(option.startswith(("-l", "--log-level")) for option in sys.argv[1:])
os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "INFO" if CHATTY else "ERROR")  # read when the framework is imported

from denoise_operator import DenoiseOperator  # noqa: E402
from model_path import load_denoiser  # noqa: E402
from monai.deploy.core import Application, RuntimeEnv, parse_args  # noqa: E402
from monai.deploy.core.arg_parser import set_up_logging  # noqa: E402
from outcome import Outcome, log  # noqa: E402
from series_writer_operator import DerivedSeriesWriterOperator  # noqa: E402
from study_operator import DicomStudyOperator, mr_volumes  # noqa: E402

from monai_unsup_denoise.engines import VolumeDenoiser  # noqa: E402
from monai_unsup_denoise.errors import InputError  # noqa: E402


class DenoiseApp(Application):
    """Study -> denoise -> write.

    Args:
        series: what to denoise.
        denoiser: with what.
        output_folder: where each gets a sub-folder.
    """

    def __init__(self, series: Sequence[Any], denoiser: VolumeDenoiser, output_folder: Path) -> None:
        self.series = series
        self.denoiser = denoiser
        self.output_folder = output_folder
        self.outcome = Outcome()
        super().__init__([sys.executable, sys.argv[0]])  # our own options are none of the framework's

    def compose(self) -> None:
        study = DicomStudyOperator(self, name="study", series=self.series, outcome=self.outcome)
        denoise = DenoiseOperator(self, name="denoise", denoiser=self.denoiser, outcome=self.outcome)
        writer = DerivedSeriesWriterOperator(
            self, name="writer", output_folder=self.output_folder, outcome=self.outcome
        )
        self.add_flow(study, denoise, {("volume", "volume")})
        self.add_flow(denoise, writer, {("denoised", "denoised")})


def main() -> int:
    """Run with the command line, or with the variables that a MONAI Application Package sets.

    Returns:
        0 if every MR series with more than one slice was denoised; 1 if one could not be, or there is none.
    """
    options = parse_args()
    set_up_logging(options.log_level or "WARN")  # the framework's INFO holds paths
    log.setLevel(options.log_level or logging.INFO)
    places = RuntimeEnv({"model": ("HOLOSCAN_MODEL_PATH", "")})
    model = options.model or places.model
    try:
        series = mr_volumes(Path(options.input or places.input))
        denoiser = load_denoiser(Path(model) if model else None)
    except InputError as error:
        log.error("%s", error)
        return 1
    app = DenoiseApp(series, denoiser, Path(options.output or places.output))
    app.run()
    return 1 if app.outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
