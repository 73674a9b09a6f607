"""Images of every kind that Python holds them in: to an array for the denoiser, and back to the same kind."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from nibabel.spatialimages import SpatialImage

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.volumes import VolumeSeries
from monai_unsup_denoise.io.dicom import find_series
from monai_unsup_denoise.io.nibabel_images import image_like, to_type
from monai_unsup_denoise.io.reader import why_unreadable
from monai_unsup_denoise.io.volume_writer import VoxelType, image_of
from monai_unsup_denoise.io.volumes import open_volumes

_REFUSED = {
    "c": "complex voxels, but a volume of magnitudes is needed; save the magnitude",
    "V": "colour voxels (RGB), but a volume of magnitudes is needed; give the original scan",
}


@dataclass(frozen=True)
class OpenImage:
    """What the denoiser takes, and how its result becomes an image of the same kind.

    Attributes:
        content: path of a scan of one volume, one volume ``(X, Y, Z)``, or the volumes of a series.
        wrap: from an array of the shape of ``content``, or of one volume of a series, and an affine, to the image.
    """

    content: Path | MetaTensor | VolumeSeries
    wrap: Callable[[np.ndarray, np.ndarray], Any]


class ArraySeries:
    """The volumes of an array ``(X, Y, Z, T)``, as `monai_unsup_denoise.io.volumes.Volumes` are those of a file."""

    def __init__(self, values: np.ndarray, name: str) -> None:
        self.path = name
        self.affine = np.eye(4)
        self.shape = values.shape[:3]
        self._values = values

    def __len__(self) -> int:
        return self._values.shape[3]

    def __getitem__(self, number: int) -> MetaTensor:
        return _volume(self._values[..., number], f"{self.path}, volume {number} (counted from 0)")


def open_image(image: Any, *, dtype: VoxelType, series_axis: int | None, name: str) -> OpenImage:
    """An image for the denoiser.

    Args:
        image: array, tensor, MetaTensor, image of nibabel, or path, as `denoise` takes them.
        dtype: of the image that is given back.
        series_axis: as of `denoise`.
        name: for messages about an image without a file.

    Raises:
        InputError: for another kind of image, voxels that are no real numbers, or axes that are not clear.
    """
    if isinstance(image, (str, os.PathLike)):
        if series_axis is not None:
            raise InputError(f"{image}: series_axis {series_axis}: is for an image in memory; leave it out")
        return _open_path(Path(image).expanduser(), dtype=dtype)
    same = dtype == "same"
    if isinstance(image, SpatialImage):
        file = image.get_filename() or name
        try:
            values = np.asanyarray(image.dataobj)
        except Exception as error:  # whatever a damaged file raises
            raise InputError(f"{file}: {why_unreadable(error)}") from error
        wrap = partial(image_like, image, same=same)
        return _open_array(values, wrap, axis=series_axis, name=file, has_channel=False)
    if isinstance(image, torch.Tensor):
        file = str(getattr(image, "meta", {}).get("filename_or_obj") or name)
        plain = image.detach().as_subclass(torch.Tensor).cpu()
        if plain.dim() == 4 and 1 not in (len(plain), plain.shape[-1]) and series_axis is None:
            raise InputError(
                f"{file} (shape {tuple(plain.shape)}): 4 axes, but tensors have their channels first or the volumes of "
                "a series last: give series_axis, 0 or -1, or denoise channels one by one, as DenoiseMRI does"
            )
        values = (plain.float() if plain.is_floating_point() else plain).numpy()
        return _open_array(values, partial(_as_tensor, image, same=same), axis=series_axis, name=file)
    if isinstance(image, np.ndarray):
        kind = image.dtype if same else np.dtype(np.float32)
        return _open_array(image, partial(to_type, dtype=kind), axis=series_axis, name=name)
    raise InputError(
        f"{name}: {type(image).__name__} is no kind of image known here; give an array, a tensor, an image of nibabel "
        "or a path"
    )


def _open_path(path: Path, *, dtype: VoxelType) -> OpenImage:
    def wrap(out: np.ndarray, affine: np.ndarray) -> Any:
        slices = find_series(path, below=False)[0].files if dtype == "same" and path.is_dir() else ()
        return image_of(out, source=path, affine=affine, dtype=dtype, slices=slices)

    return OpenImage(open_volumes(path) or path, wrap)


def _open_array(
    values: np.ndarray, wrap: Callable[[np.ndarray], Any], *, axis: int | None, name: str, has_channel: bool = True
) -> OpenImage:
    """An array of one slice, one volume with or without a channel, or a series; the result gets its shape.

    ``has_channel`` says whether a first axis of one, of four, is a channel, and not the only slice of a series.
    """
    if values.dtype.kind not in "iuf":
        raise InputError(f"{name}: {_REFUSED.get(values.dtype.kind, f'{values.dtype} voxels; give numbers')}")
    shape = values.shape
    if axis is not None:
        if len(shape) != 4 or not -4 <= axis < 4:
            raise InputError(f"{name} (shape {shape}): series_axis {axis}: is for an image of 4 axes; leave it out")
        values = np.moveaxis(values, axis, -1)
    elif len(shape) == 2:
        values = values[..., None]
    elif len(shape) == 4 and shape[0] == 1 and has_channel:
        values = values[0]

    moved = values.shape

    def with_axes(out: np.ndarray, _: np.ndarray) -> Any:
        if out.size == math.prod(shape):  # it may be a map of one volume of a series
            out = out.reshape(shape) if axis is None else np.moveaxis(out.reshape(moved), -1, axis)
        return wrap(out)

    while values.ndim > 4 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim == 4 and values.shape[-1] > 1:
        return OpenImage(ArraySeries(values, name), with_axes)
    return OpenImage(_volume(values, name), with_axes)


def _volume(values: np.ndarray, name: str) -> MetaTensor:
    with np.errstate(over="ignore"):  # infinite is refused later
        own = np.array(values, dtype=np.float32, order="C")
    return MetaTensor(torch.from_numpy(own), meta={"filename_or_obj": name})


def _as_tensor(like: torch.Tensor, values: np.ndarray, *, same: bool) -> torch.Tensor:
    """A tensor on the device of ``like``, with its metadata and applied operations where it has some."""
    if same and not like.is_floating_point():
        values = to_type(values, torch.empty(0, dtype=like.dtype).numpy().dtype)
    tensor = torch.from_numpy(np.ascontiguousarray(values)).to(like.device)
    tensor = tensor.to(like.dtype) if same else tensor
    return MetaTensor(tensor).copy_meta_from(like) if isinstance(like, MetaTensor) else tensor
