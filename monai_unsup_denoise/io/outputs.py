"""Where the output of each scan goes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from monai_unsup_denoise.errors import InputError

if TYPE_CHECKING:
    from monai_unsup_denoise.io.dicom import DicomSeries


@dataclass(frozen=True)
class Job:
    """A scan and where its output goes.

    Attributes:
        scan: file, or folder of a DICOM series.
        output: a file; or, for a DICOM series that becomes one again, its folder.
        series: where the scan is a folder: which of its series.
        is_shared: whether another scan would be written to the same place.
    """

    scan: Path
    output: Path
    series: DicomSeries | None = None
    is_shared: bool = False

    @property
    def writes_dicom(self) -> bool:
        """Whether a derived DICOM series is written."""
        return self.series is not None and not _is_file_name(self.output)


def plan_jobs(source: Path, output: str, wanted: str | None = None) -> tuple[list[Job], bool]:
    """As `plan_outputs`, with the series of each DICOM folder: all of them in a collection, else the only one.

    Args:
        source: as of `plan_outputs`.
        output: as of `plan_outputs`.
        wanted: number or UID of the one series below ``source`` to take, at any depth.

    Raises:
        InputError: as `plan_outputs`; if a series is wanted where there is no DICOM, is not there, or one must be
            chosen.
    """
    from monai_unsup_denoise.io.dicom import choose_series, find_series

    source = source.expanduser()
    if wanted is not None and source.exists():
        if not source.is_dir():
            raise InputError(f"--series {wanted}: chooses from a folder of DICOM files; give that folder")
        chosen = choose_series(find_series(source), wanted, folder=source)
        return [Job(source, _place_of_series(output), chosen)], False
    pairs, is_collection = plan_outputs(source, output)
    return [job for pair in pairs for job in _jobs_of(*pair, choose=not is_collection)], is_collection


def _jobs_of(scan: Path, output: Path, *, choose: bool) -> list[Job]:
    from monai_unsup_denoise.io.dicom import choose_series, find_series, folder_name

    if not scan.is_dir():
        return [Job(scan, output)]
    found = find_series(scan, below=False)
    if choose or len(found) == 1:
        return [Job(scan, output, choose_series(found, None, folder=scan))]
    if not found:
        return [Job(scan, output)]  # which will be told among the failures
    return [Job(scan, output / folder_name(series, found), series) for series in found]


def _is_file_name(path: Path) -> bool:
    from monai_unsup_denoise.io.volume_writer import FORMATS

    return path.name.lower().endswith(FORMATS)


def plan_outputs(source: Path, output: str) -> tuple[list[tuple[Path, Path]], bool]:
    """Pairs (scan, its output), and whether ``source`` is a collection: a folder of scans, or a datalist.

    Of a collection the paths below it are kept. Outputs of an earlier run that lie inside the source are not
    taken for scans.

    Args:
        source: a scan, a DICOM series folder, a folder of these, or a datalist.
        output: a file for one scan; or a folder, which it is if it exists as one, ends in a slash, or has no
            suffix.

    Raises:
        InputError: if nothing is found at ``source``, or ``output`` is a file where a folder is needed.
    """
    from monai_unsup_denoise.io.find import find_volumes
    from monai_unsup_denoise.io.volume_writer import output_name

    scans = [Path(item["image"]) for item in find_volumes(source)]
    target = Path(output).expanduser()
    is_folder = _is_folder(output)
    if scans == [source.expanduser()]:
        if scans[0].is_dir():
            return [(scans[0], _place_of_series(output))], False
        return [(scans[0], target / output_name(scans[0]) if is_folder else target)], False
    if not is_folder:
        raise InputError(f"{output}: is a file, but {source} may hold several scans; give a folder (end it in /)")
    root = (source if source.is_dir() else source.parent).resolve()
    folder = target.resolve()
    if folder == root:
        raise InputError(f"{output}: is the folder of the input; give another one")
    if folder.is_relative_to(root):
        scans = [scan for scan in scans if not scan.resolve().is_relative_to(folder)]
        if not scans:
            raise InputError(f"{source}: holds nothing but what lies in {output}; give the folder of the scans")
    names = [scan.resolve().name if scan.is_dir() else output_name(scan) for scan in scans]
    return [(scan, _place_below(target, scan, root) / name) for scan, name in zip(scans, names, strict=True)], True


def _is_folder(output: str) -> bool:
    target = Path(output).expanduser()
    return target.is_dir() or output.endswith(("/", os.sep)) or not target.suffix


def _place_of_series(output: str) -> Path:
    """A folder, or a file of a known format: a mistyped ending is not made a folder of."""
    target = Path(output).expanduser()
    if not _is_folder(output) and not _is_file_name(target):
        raise InputError(
            f"{output}: neither a folder nor a format this scan is written in; end it in / for a DICOM series, or in "
            ".nii.gz for a volume"
        )
    return target


def sidecar_path(output: Path) -> Path:
    """The .json beside an output, a file or the folder of a DICOM series."""
    if not _is_file_name(output):
        return output.with_name(f"{output.name}.json")
    name = output.name.removesuffix(".gz")
    return output.with_name(name.removesuffix(Path(name).suffix) + ".json")


def map_path(output: Path, name: str) -> Path:
    """Where the map ``name`` goes beside an output: ``scan_sigma.nii.gz`` beside ``scan.nii.gz``."""
    if not _is_file_name(output):
        return output.with_name(f"{output.name}_{name}.nii.gz")
    ending = ".nii.gz" if output.name.endswith(".nii.gz") else output.suffix
    return output.with_name(f"{output.name.removesuffix(ending)}_{name}{ending}")


def _place_below(target: Path, scan: Path, root: Path) -> Path:
    """The folder in ``target`` that answers to the scan's folder in ``root``; ``target`` for a scan from elsewhere."""
    folder = scan.absolute() if scan.resolve() == root else scan.absolute().parent
    folder = folder.resolve()
    return target / folder.relative_to(root) if folder.is_relative_to(root) else target
