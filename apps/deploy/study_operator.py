"""Read a DICOM study, one series at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai.data import MetaTensor
from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext
from outcome import Outcome, log, name_of

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import DicomSeries, find_series, read_series
from monai_unsup_denoise.io.dicom.files import read_file
from monai_unsup_denoise.io.dicom.headers import numbers_of
from monai_unsup_denoise.io.dicom.slices import slices_of
from monai_unsup_denoise.io.folders import walk_folders


@dataclass(frozen=True)
class SeriesVolume:
    """A series and its voxels ``(X, Y, Z)``, from `read_series`.

    A class, because the framework converts a bare tensor between operators to its own type.
    """

    series: DicomSeries
    image: MetaTensor


class DicomStudyOperator(Operator):
    """Reads the series of a study one after the other, so that only one volume is in memory.

    It uses `monai_unsup_denoise.io.dicom`, like the command line. The framework's own loader keeps only one of several
    images at a position (echoes, repetitions), swaps row and column spacing, casts to the type of the first slice, and
    logs identifiers and paths.

    Args:
        series: series to read.
        outcome: counts the series that cannot be read.
    """

    def __init__(self, fragment: Fragment, *, series: Sequence[DicomSeries], outcome: Outcome, name: str) -> None:
        self.remaining = iter(series)
        self.outcome = outcome
        super().__init__(fragment, name=name)

    def setup(self, spec: OperatorSpec) -> None:
        spec.output("volume")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        for series in self.remaining:
            with self.outcome.of(series):
                op_output.emit(SeriesVolume(series, read_series(series)), "volume")
                return
        self.stop_execution()


def mr_volumes(folder: Path) -> list[DicomSeries]:
    """The MR series of several parallel slices in ``folder`` and its sub-folders; others are logged as skipped.

    Raises:
        InputError: if the folder is missing, or has no such series.
    """
    found = find_series(folder)
    reasons = [(series, _why_no_volume(series)) for series in found]
    for series, reason in reasons:
        if reason is not None:
            log.info("%s: skipped, %s", name_of(series), reason)
    others = sum(len(files) for _, files in walk_folders(folder)) - sum(len(series.files) for series in found)
    if others:
        log.info("skipped, no DICOM image: %d file%s", others, "s" * (others > 1))
    volumes = [series for series, reason in reasons if reason is None]
    if not volumes:
        raise InputError(f"{folder}: no MR series of several slices; give the folder of a study that has one")
    return volumes


def _why_no_volume(series: DicomSeries) -> str | None:
    """Why a series is skipped; None if it is a volume to denoise."""
    if series.fault and series.modality in ("MR", ""):
        return None  # reading it says what is wrong
    if series.modality != "MR":
        is_code = re.fullmatch(r"[A-Z]{2,4}", series.modality)  # else free text, such as a name
        return f"{series.modality if is_code else 'another modality'}, not MR"
    if len(series.files) == 1 and series.frames == 1:
        return "one slice"
    try:
        if series.frames > 1:
            headers = [each.header for path in series.files for each in slices_of(path)]
        else:
            only = {"specific_tags": ["ImageOrientationPatient"], "stop_before_pixels": True}
            headers = [read_file(path, **only) for path in series.files]
    except Exception:  # damage raises errors of every kind
        return None
    cosines = [numbers_of(header, "ImageOrientationPatient", 6) for header in headers]
    orientations = {() if each is None else tuple(each.round(2) + 0.0) for each in cosines}  # -0.0 is 0.0
    return f"slices of {len(orientations)} orientations, a localiser" if len(orientations) > 1 else None
