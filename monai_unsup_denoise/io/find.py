"""The volumes that a path names, as a MONAI datalist."""

import json
import os
from pathlib import Path
from typing import Any

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import exists
from monai_unsup_denoise.io.dicom.files import is_dicom
from monai_unsup_denoise.io.folders import walk_folders
from monai_unsup_denoise.io.nibabel_formats import PAIRS, is_of_pair, is_second_of_pair

#: Of volumes in one file, or named by their header.
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".mgh", ".mgz", ".nrrd", ".nhdr", ".mha", ".mhd", ".mnc")
_ALL_SUFFIXES = (*VOLUME_SUFFIXES, *PAIRS)


def find_volumes(path: str | Path) -> list[dict[str, Any]]:
    """List the volumes that a path names, as MONAI datalist items `{"image": path}`, sorted by path.

    - a file: itself;
    - a folder: every NIfTI, MGH, Analyze, NRRD, MetaImage and MINC (2.0) file at any depth, of a pair the ``.img``,
      and every folder with DICOM files (of any name), once; linked folders included;
    - a `.json` file: its `training` list (items with "image", other keys kept; or plain paths), relative to the file.

    Volumes are not opened, so a damaged one is found when it is loaded.

    Raises:
        InputError: for a path that does not exist or has no volumes, or a JSON file without such a list.
    """
    path = Path(os.path.expanduser(path))  # which leaves a name such as ~.nii as it is
    if not exists(path):
        raise InputError(f"{path}: no such file or folder; check the path")
    if path.is_dir():
        if found := _volumes_below(path):
            return [{"image": str(volume)} for volume in found]
        raise InputError(f"{path}: no volume in this folder; looked for {' '.join(_ALL_SUFFIXES)} and DICOM series")
    if path.name.lower().endswith(".json"):
        return _read_datalist(path)
    if _is_volume(path) or is_dicom(path):
        return [{"image": str(path)}]
    raise InputError(f"{path}: unknown kind of file; give {' '.join(_ALL_SUFFIXES)}, DICOM or .json")


def _volumes_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, paths in walk_folders(folder):
        volumes = [path for path in paths if _is_volume(path)]
        found += [path for path in volumes if not is_second_of_pair(path)]
        if any(is_dicom(path) for path in paths if path not in volumes):
            found.append(parent)
    return sorted(found)


def _is_volume(path: Path) -> bool:
    return path.name.lower().endswith(VOLUME_SUFFIXES) or is_of_pair(path)


def _read_datalist(path: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}); fix it") from error
    entries = content.get("training") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise InputError(f"{path}: a MONAI datalist needs a list under 'training' with at least one item")
    items = []
    for number, entry in enumerate(entries):
        item = dict(entry) if isinstance(entry, dict) else {"image": entry}
        if not isinstance(item.get("image"), str):
            raise InputError(f"{path}: training[{number}] needs the path of a volume under 'image'")
        image = path.parent / os.path.expanduser(item["image"])
        if not image.exists():
            raise InputError(f"{image}: no such file; {path} names it at training[{number}]")
        items.append(item | {"image": str(image)})
    return sorted(items, key=lambda item: item["image"])
