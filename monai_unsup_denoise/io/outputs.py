"""Which scans a path names, and where the output of each goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import exists
from monai_unsup_denoise.io.dicom import DicomSeries, choose_series, find_series, folder_name
from monai_unsup_denoise.io.dicom.files import is_dicom
from monai_unsup_denoise.io.find import find_volumes
from monai_unsup_denoise.io.volume_writer import FORMATS, output_name


@dataclass(frozen=True)
class Job:
    """A scan and where its output goes.

    ``scan`` and ``output`` are files, or the folders of DICOM series.
    """

    scan: Path
    output: Path
    series: DicomSeries | None = None  # of the folder scan; None for a file, or a folder without a readable image
    is_shared: bool = False  # whether another scan would be written to the same place

    @property
    def writes_dicom(self) -> bool:
        """Whether a derived DICOM series is written."""
        return self.series is not None and not _is_volume(self.output)


def plan_jobs(source: Path, output: str, wanted: str | None = None) -> tuple[list[Job], bool]:
    """One job for each scan of ``source``, and whether ``source`` is a collection: a folder of scans, or a datalist.

    Of a collection, sub-folders are kept and every DICOM series is taken. Outputs of an earlier run inside ``source``
    are not taken for scans.

    Args:
        source: a scan, the folder of a DICOM series, a folder of these, or a datalist.
        output: a file for one scan; else a folder, which exists, ends in a slash, or has no suffix.
        wanted: number or UID of the only DICOM series to take, at any depth of ``source``.

    Raises:
        InputError: if nothing is found at ``source``, a DICOM series must be chosen or does not exist, or ``output``
            does not suit.
    """
    source = Path(os.path.expanduser(source))
    if wanted is not None and exists(source):
        if not source.is_dir():
            raise InputError(f"--series {wanted}: chooses from a folder of DICOM files; give that folder")
        series = choose_series(find_series(source), wanted, folder=source)
        return [Job(source, _series_output(output), series)], False
    scans = [Path(item["image"]) for item in find_volumes(source)]
    if scans != [source]:
        return _plan_collection(scans, source, output), True
    if only := _only_series(source):
        return [Job(source, _series_output(output), only)], False
    target = Path(os.path.expanduser(output))
    return [Job(source, target / output_name(source) if _is_folder(output) else target)], False


def _only_series(source: Path) -> DicomSeries | None:
    """The only series of a folder, or of an enhanced multi-frame file; None for any other file."""
    if source.is_dir():
        return choose_series(find_series(source, below=False), None, folder=source)
    found = find_series(source) if is_dicom(source) else []
    return next((series for series in found if series.frames > 1), None)


def sidecar_path(output: Path) -> Path:
    """The .json beside an output, a file or the folder of a DICOM series."""
    return output.with_name(f"{_split_name(output)[0]}.json")


def map_path(output: Path, name: str) -> Path:
    """Path of the map ``name`` of an output: ``scan_sigma.nii.gz`` beside ``scan.nii.gz``."""
    stem, ending = _split_name(output)
    return output.with_name(f"{stem}_{name}{ending or '.nii.gz'}")


def report_path(output: Path) -> Path:
    """Path of the report on an output: ``scan_report.html`` beside ``scan.nii.gz``."""
    return output.with_name(f"{_split_name(output)[0]}_report.html")


def check_inside(output: Path, folder: Path) -> None:
    """Check that ``output`` lies below ``folder``, links followed.

    Raises:
        InputError: if not.
    """
    if output.name == ".." or folder.resolve() not in (output.parent.resolve() / output.name).parents:
        raise InputError(f"{output}: lies outside the output folder {folder}; remove the link, or give another folder")


def _plan_collection(scans: Sequence[Path], source: Path, output: str) -> list[Job]:
    if not _is_folder(output):
        raise InputError(f"{output}: is a file, but {source} may hold several scans; give a folder (end it in /)")
    root = source if source.is_dir() else source.parent
    target = Path(os.path.expanduser(output))
    folder = target.resolve()
    if folder == root.resolve():
        raise InputError(f"{output}: is the folder of the input; give another one")
    if source.is_dir() and not root.resolve().is_relative_to(folder):
        scans = [scan for scan in scans if not scan.resolve().is_relative_to(folder)]
        if not scans:
            raise InputError(f"{source}: holds only outputs, those in {output}; give the folder of the scans")
    jobs = [job for scan in scans for job in _jobs_of(scan, _folder_below(target, scan, root))]
    for job in jobs:
        check_inside(job.output, target)
    return jobs


def _jobs_of(scan: Path, folder: Path) -> list[Job]:
    """The job of a scan of a collection, with its output in ``folder``; for a DICOM folder, one for each series."""
    if not scan.is_dir():
        return [Job(scan, folder / output_name(scan))]
    found = find_series(scan, below=False)
    output = folder / Path(os.path.abspath(scan)).name  # of a link its own
    if len(found) < 2:
        return [Job(scan, output, next(iter(found), None))]
    return [Job(scan, output / folder_name(series, found), series) for series in found]


def _folder_below(target: Path, scan: Path, root: Path) -> Path:
    """The folder in ``target`` that corresponds to the scan's in ``root``; ``target`` for a scan from elsewhere.

    A linked folder keeps its own name; else that of the folder itself counts, however it was reached.
    """
    folder = scan if scan.resolve() == root.resolve() else scan.parent
    for whole in (os.path.abspath, os.path.realpath):
        inside, outside = Path(whole(folder)), Path(whole(root))
        if inside.is_relative_to(outside):
            return target / inside.relative_to(outside)
    return target


def _is_folder(output: str) -> bool:
    target = Path(os.path.expanduser(output))
    return exists(target) and target.is_dir() or output.endswith(("/", os.sep)) or not target.suffix


def _series_output(output: str) -> Path:
    """A folder or a file of a known format; ``out.nii.g`` is a typing error, not the folder of a series."""
    target = Path(os.path.expanduser(output))
    if not _is_folder(output) and not _is_volume(target):
        raise InputError(
            f"{output}: neither a folder nor a format this scan is written in; end it in / for a DICOM series, or in "
            ".nii.gz for a volume"
        )
    return target


def _is_volume(path: Path) -> bool:
    return path.name.lower().endswith(FORMATS)


def _split_name(path: Path) -> tuple[str, str]:
    """``scan`` and ``.nii.gz`` of ``scan.nii.gz``; the ending is empty for the folder of a series."""
    ending = next((ending for ending in FORMATS if path.name.lower().endswith(ending)), "")
    stem = path.name[: len(path.name) - len(ending)]
    return stem, path.name[len(stem) :]
