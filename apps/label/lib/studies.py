"""The folder of scans."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from monailabel.config import settings
from monailabel.datastore.local import LocalDatastore

from lib.names import check_name, is_name
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.find import VOLUME_SUFFIXES, find_volumes


class Studies(LocalDatastore):
    """MONAI Label's folder of scans, where a sub-folder with one DICOM series is a scan, too.

    Its id is the name of the sub-folder. A new file is noticed at once, a new series at the next start.

    Nothing outside the folder is written or removed: ids and tags are names, not paths, and links, which only the owner
    of the folder can make, are followed for reading alone. What is refused raises an HTTPException.

    Args:
        folder: created if it is missing.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(
            folder,
            extensions=[f"*{each}" for suffix in VOLUME_SUFFIXES for each in (suffix, suffix.upper())],
            auto_reload=settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD,
            read_only=settings.MONAI_LABEL_DATASTORE_READ_ONLY,
        )

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        ending = self._ending(image_filename)
        self._place(image_id, ending)
        return super().add_image(image_id, image_filename, image_info)

    def remove_image(self, image_id: str) -> None:
        image = self._known(image_id)
        self._place(image_id, image.image.ext)
        for tag, label in image.labels.items():
            self._place(image_id, label.ext, tag)
        super().remove_image(image_id)

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        self._known(image_id)
        place = self._place(image_id, self._ending(label_filename), label_tag)
        saved = super().save_label(image_id, label_filename, label_tag, label_info)
        shutil.copymode(self._datastore_config_path, place)  # the temporary file is the server's alone
        return saved

    def remove_label(self, label_id: str, label_tag: str) -> None:
        label = self._known(label_id).labels.get(label_tag)
        if label is None:
            raise HTTPException(404, f"{label_id!r} has no label {label_tag!r}; GET /datastore/?output=all lists all")
        self._place(label_id, label.ext, label_tag)
        super().remove_label(label_id, label_tag)

    def _place(self, name: str, ending: str, tag: str | None = None) -> str:
        """Where an image, or with ``tag`` a label, is written or removed: every id and tag is checked here."""
        check_name(name, "id")
        check_name(name + ending, "file name")
        if tag is not None:
            check_name(tag, "tag")
        store = self._datastore
        below = [store.images_dir] if tag is None else [store.labels_dir, tag]  # tag: text, or an Enum of it
        place = os.path.normpath(os.path.join(os.path.realpath(self._datastore_path), *below, name + ending))
        if os.path.realpath(place) != place:
            raise HTTPException(422, f"{name}: lies behind a link, where nothing is changed; replace the link")
        return place

    def _known(self, name: str) -> Any:
        if name not in self._datastore.objects:
            raise HTTPException(404, f"{name!r}: no such image here; GET /datastore/?output=all lists all")
        return self._datastore.objects[name]

    def _ending(self, file: str) -> str:
        ending = self._to_id(os.path.basename(file))[1]
        if ending.lower() not in VOLUME_SUFFIXES:
            raise HTTPException(422, f"file name ends in {ending[:20]!r}; give one of {' '.join(VOLUME_SUFFIXES)}")
        return ending

    def _init_from_datastore_file(self, throw_exception: bool = False) -> None:
        """Leave out names that are none, which an earlier version, or a hand, may have written there."""
        super()._init_from_datastore_file(throw_exception)
        objects = self._datastore.objects
        for name in [name for name, image in objects.items() if not is_name(name + image.image.ext)]:
            del objects[name]
        for name, image in objects.items():
            image.labels = {
                tag: label for tag, label in image.labels.items() if is_name(tag) and is_name(name + label.ext)
            }

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
