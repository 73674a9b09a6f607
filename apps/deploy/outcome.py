"""What became of the series of a study."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from monai_unsup_denoise.errors import InputError, find_input_error
from monai_unsup_denoise.io.dicom import DicomSeries

#: Speaks of series by their numbers, never of patients or files.
log = logging.getLogger("mri_denoise")


class Outcome:
    """Counts what failed; the operators share it, the exit code follows from it.

    Attributes:
        failed: series that could not be.
    """

    def __init__(self) -> None:
        self.failed = 0

    @contextmanager
    def of(self, series: DicomSeries) -> Iterator[None]:
        """Note what is wrong with ``series`` and go on; a defect of the program passes.

        The log gets the number of the series and the reason: the file or folder, which errors name first, may name
        a patient.
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
    """How the log calls a series: by its number, which says nothing of the patient."""
    return f"series {series.number}"
