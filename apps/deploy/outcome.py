"""Which series could not be denoised, and what the log may say about it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from monai_unsup_denoise.errors import find_input_error
from monai_unsup_denoise.io.dicom import DicomSeries

#: Names series by their numbers, never patients, folders or files.
log = logging.getLogger("mri_denoise")

#: Errors of other packages quote what they choked on, such as the value of a patient's tag.
_QUOTED = re.compile(r"""(?<!\w)b?(["']).*?\1(?!\w)""", re.DOTALL)


class Outcome:
    """Counts failures. The operators share it; the exit code depends on it.

    Attributes:
        failed: number of series that could not be denoised.
    """

    def __init__(self) -> None:
        self.failed = 0

    @contextmanager
    def of(self, series: DicomSeries) -> Iterator[None]:
        """Log any error about ``series`` and go on: the others are to be written."""
        try:
            yield
        except Exception as error:
            self.failed += 1
            log.error("%s cannot be denoised: %s", name_of(series), reason_of(error))


def name_of(series: DicomSeries) -> str:
    """Name of a series in the log: its number, which does not identify the patient."""
    return f"series {series.number}"


def reason_of(error: BaseException) -> str:
    """Why, in one line that names no patient, folder or file; of an error of another kind, only which.

    Errors begin with the path of a file or folder, which may hold colons itself and be named after a patient.
    """
    known = find_input_error(error)
    if known is None:
        return type(error).__name__
    text = " ".join(str(known).split())
    colons = [match.start() for match in re.finditer(": ", text)]
    ends = [end for end in colons if os.path.exists(text[:end])] or colons[-1:]
    return _QUOTED.sub("...", text[ends[-1] + 2 :] if ends else text)
