"""A DICOM study in, one series at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from monai.data import MetaTensor
from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext
from outcome import Outcome, log, name_of

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import DicomSeries, find_series, read_series
from monai_unsup_denoise.io.dicom.series import numbers_of


@dataclass(frozen=True)
class SeriesVolume:
    """A series and its voxels ``(X, Y, Z)``, as `read_series` gives them.

    A class of its own, because the framework turns a bare tensor between operators into one of its own kind.
    """

    series: DicomSeries
    image: MetaTensor


class DicomStudyOperator(Operator):
    """Reads the series of a study, each when the one before it has been passed on: one volume in memory.

    The framework's own loader keeps one image of those at a position (echoes, repetitions), its volumes have row and
    column spacing swapped and the type of their first slice, and both log identifiers and paths. Hence
    `monai_unsup_denoise.io.dicom`, as on the command line.

    Args:
        series: what to read.
        outcome: where a series that cannot be read is noted.
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
    """The MR series in ``folder``, at any depth, that are stacks of slices; the log says what else there is.

    Raises:
        InputError: if the folder is missing, or has no such series.
    """
    found = find_series(folder)
    reasons = [(series, _why_no_volume(series)) for series in found]
    for series, reason in reasons:
        if reason is not None:
            log.info("%s: skipped, %s", name_of(series), reason)
    others = _count_files(folder) - sum(len(series.files) for series in found)
    if others:
        log.info("skipped, no DICOM image: %d file%s", others, "s" * (others > 1))
    volumes = [series for series, reason in reasons if reason is None]
    if not volumes:
        raise InputError(f"{folder}: no MR series of several slices; give the folder of a study that has one")
    return volumes


def _why_no_volume(series: DicomSeries) -> str | None:
    """Why there is nothing to denoise in a series; None if there is."""
    if series.modality != "MR":
        return f"{series.modality or 'unknown modality'}, not MR"
    if len(series.files) == 1 and series.frames == 1:
        return "one slice"
    orientations = set()
    for path in series.files:
        header = pydicom.dcmread(path, specific_tags=["ImageOrientationPatient"], stop_before_pixels=True)
        cosines = numbers_of(header, "ImageOrientationPatient")
        orientations.add(() if cosines is None else tuple(cosines.round(2) + 0.0))  # -0.0 is 0.0
    return f"slices of {len(orientations)} orientations, a localiser" if len(orientations) > 1 else None


def _count_files(folder: Path) -> int:
    """Those that `find_series` looks into: all but hidden ones."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sum(not any(part.startswith(".") for part in path.parts) for path in paths)
