"""Where the output of each scan goes."""

from __future__ import annotations

import os
from pathlib import Path

from monai_unsup_denoise.errors import InputError


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
    from monai_unsup_denoise.data import find_volumes, output_name

    scans = [Path(item["image"]) for item in find_volumes(source)]
    target = Path(output).expanduser()
    is_folder = target.is_dir() or output.endswith(("/", os.sep)) or not target.suffix
    if scans == [source.expanduser()]:
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
    return [(scan, _place_below(target, scan, root) / output_name(scan)) for scan in scans], True


def sidecar_path(output: Path) -> Path:
    """The .json beside an output."""
    name = output.name.removesuffix(".gz")
    return output.with_name(name.removesuffix(Path(name).suffix) + ".json")


def map_path(output: Path, name: str) -> Path:
    """Where the map ``name`` goes beside an output: ``scan_sigma.nii.gz`` beside ``scan.nii.gz``."""
    ending = ".nii.gz" if output.name.endswith(".nii.gz") else output.suffix
    return output.with_name(f"{output.name.removesuffix(ending)}_{name}{ending}")


def _place_below(target: Path, scan: Path, root: Path) -> Path:
    """The folder in ``target`` that answers to the scan's folder in ``root``; ``target`` for a scan from elsewhere."""
    folder = scan.absolute() if scan.resolve() == root else scan.absolute().parent
    folder = folder.resolve()
    return target / folder.relative_to(root) if folder.is_relative_to(root) else target
