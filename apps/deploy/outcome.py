"""Which series could not be denoised."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from monai_unsup_denoise.errors import InputError, find_input_error
from monai_unsup_denoise.io.dicom import DicomSeries

#: Names series by their numbers, never patients or files.
log = logging.getLogger("mri_denoise")


class Outcome:
    """Counts failures. The operators share it; the exit code depends on it.

    Attributes:
        failed: number of series that could not be denoised.
    """

    def __init__(self) -> None:
        self.failed = 0

    @contextmanager
    def of(self, series: DicomSeries) -> Iterator[None]:
        """Log an `InputError` about ``series`` and go on; any other error is raised.

        The log has the number of the series and the reason, without the file or folder that such errors begin with:
        its name may be that of a patient.
        """
        try:
            yield
        except (InputError, RuntimeError) as error:
            known = find_input_error(error)
            if known is None:
                raise
            self.failed += 1
            where, _, why = str(known).partition(": ")
            log.error("%s cannot be denoised: %s", name_of(series), why or where)


def name_of(series: DicomSeries) -> str:
    """Name of a series in the log: its number, which does not identify the patient."""
    return f"series {series.number}"
