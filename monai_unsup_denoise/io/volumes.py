"""The volumes of a 4-D file (time series, diffusion series), read one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from monai.data import MetaTensor
from nibabel.arrayproxy import ArrayProxy

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.file_checks import check_file
from monai_unsup_denoise.io.nibabel_formats import files_of, is_nibabel
from monai_unsup_denoise.io.no_magnitudes import why_no_magnitudes
from monai_unsup_denoise.io.reader import why_unreadable


class Volumes:
    """The volumes ``(X, Y, Z)`` of an ``(X, Y, Z, T)`` file, by their numbers from 0, as `read_scan` reads a file.

    Args:
        path: of the file.
        image: the file, as nibabel opens it.

    Raises:
        InputError: if the file fails the checks of `check_file`.
    """

    def __init__(self, path: Path, image: Any) -> None:
        try:
            check_file(path)
        except InputError:
            raise
        except Exception as error:  # of zlib, for example
            raise InputError(f"{path}: {why_unreadable(error)}") from error
        self.path = path
        self.affine = np.asarray(image.affine, dtype=np.float64)
        voxels = image.dataobj
        spec = (voxels.shape[:4], voxels.dtype, voxels.offset, voxels.slope, voxels.inter)
        # Kept open: the next volume of a compressed file is then found without decompressing those before it again.
        self._voxels: Any = ArrayProxy(voxels.file_like, spec, keep_file_open=True)
        self.shape: tuple[int, ...] = voxels.shape[:3]

    def __len__(self) -> int:
        return int(self._voxels.shape[3])

    def __getitem__(self, number: int) -> MetaTensor:
        """Volume ``number``; an InputError if it cannot be read."""
        name = f"{self.path}, volume {number} (counted from 0)"
        try:
            with np.errstate(over="ignore"):  # infinite is refused later
                values = np.array(self._voxels[..., number], dtype=np.float32)
        except Exception as error:
            raise InputError(f"{name}: {why_unreadable(error)}") from error
        return MetaTensor(torch.from_numpy(values), affine=self.affine, meta={"filename_or_obj": name})


def open_volumes(path: str | Path) -> Volumes | None:
    """The volumes of a file ``(X, Y, Z, T)``, T > 1, of NIfTI and the like; None for all that is left to `read_scan`.

    Raises:
        InputError: as `Volumes`.
    """
    path = Path(path)
    try:
        if not is_nibabel(path) or why_no_magnitudes(path) or not all(file.is_file() for file in files_of(path)):
            return None
        image: Any = nibabel.load(path)
        shape, kind = image.dataobj.shape, image.dataobj.dtype.kind
    except Exception:
        return None
    if len(shape) < 4 or 0 in shape[:3] or shape[3] < 2 or {*shape[4:]} - {0, 1} or kind not in "iuf":
        return None
    return Volumes(path, image)


def read_volume(path: str | Path, number: int) -> MetaTensor | None:
    """Volume ``number`` of `open_volumes`; None where that is None.

    Raises:
        InputError: if there is no such volume.
    """
    volumes = open_volumes(path)
    if volumes is not None and number not in range(len(volumes)):
        raise InputError(f"{path}: no volume {number}, there are 0 to {len(volumes) - 1}; give another number")
    return None if volumes is None else volumes[number]
