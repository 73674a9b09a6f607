"""The folder of scans."""

from __future__ import annotations

import os
from pathlib import Path

from monailabel.config import settings
from monailabel.datastore.local import LocalDatastore

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.find import VOLUME_SUFFIXES, find_volumes


class Studies(LocalDatastore):
    """MONAI Label's folder of scans, where a sub-folder with one DICOM series is a scan, too.

    Its id is the name of the sub-folder. A new file is noticed at once, a new series at the next start.

    Args:
        folder: created if it is missing.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(
            folder,
            extensions=[f"*{suffix}" for suffix in VOLUME_SUFFIXES],
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        )

    def _list_files(self, path: str, patterns: list[str]) -> dict[str, str]:
        series = {name: name for name in os.listdir(path) if _is_series(Path(path, name))}
        return super()._list_files(path, patterns) | series

    def _to_id(self, file: str) -> tuple[str, str]:
        """Id and file ending; a folder has no ending, even with dots in its name."""
        is_folder = os.path.isdir(os.path.join(self._datastore.image_path(), file))
        return (file, "") if is_folder else super()._to_id(file)


def _is_series(folder: Path) -> bool:
    try:
        return folder.is_dir() and find_volumes(folder) == [{"image": str(folder)}]
    except InputError:
        return False
