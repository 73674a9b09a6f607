"""Validation of loaded volumes, while the error can still name the file."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_tensor

from monai_unsup_denoise.errors import InputError


class CheckVolume(Transform):
    """Return a valid magnitude volume ``(X, Y, Z)``; refuse anything else with one line that names the file.

    Further axes of one voxel are dropped (a time series of one volume). Where ``min_shape`` asks for it, the shortest
    axis becomes the last one: slices along any axis. ``meta["slice_axis"]`` says where it was, and the affine follows.
    Any other volume is returned unchanged. Place this after ``LoadImage`` and before ``EnsureChannelFirst``.

    Args:
        min_shape: minimum number of voxels along each axis; three numbers, or one for all.

    Raises:
        InputError: when called with anything but one 3-D volume, with an axis shorter than ``min_shape``, with NaN,
            infinite or negative values, or with zeros only.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, min_shape: int | Sequence[int] = 1) -> None:
        self.min_shape = (min_shape,) * 3 if isinstance(min_shape, int) else tuple(min_shape)
        if len(self.min_shape) != 3:
            raise ValueError(f"min_shape takes one number or three, got {min_shape}")

    def __call__(self, img: NdarrayOrTensor, name: str = "the volume") -> NdarrayOrTensor:
        """Check ``img``; messages use ``name`` for an image without a file name."""
        img = _without_single_axes(img)
        meta = getattr(img, "meta", {})
        problem = self._shape_problem(tuple(img.shape), meta) or self._value_problem(img)
        if problem:
            raise InputError(f"{meta.get('filename_or_obj') or name} (shape {tuple(img.shape)}): {problem}")
        axis = self._slice_axis(tuple(img.shape))
        return img if axis == 2 else _slices_last(img, axis)

    def _slice_axis(self, shape: tuple[int, ...]) -> int:
        """The axis of the slices: the last one if that is large enough, else the shortest."""
        return 2 if self._is_large(shape) else min(range(3), key=shape.__getitem__)

    def _is_large(self, shape: tuple[int, ...]) -> bool:
        return all(n >= least for n, least in zip(shape, self.min_shape, strict=True))

    def _shape_problem(self, shape: tuple[int, ...], meta: Mapping[str, Any]) -> str | None:
        channel = meta.get("original_channel_dim", "no_channel")
        has_channels = channel != "no_channel" and not math.isnan(float(channel))
        if len(shape) < 3:
            return f"{len(shape)} axes, but a 3-D volume is needed; give the whole stack of slices"
        if len(shape) == 3 and has_channels:
            return "colour channels, but a magnitude volume is needed; give the original scan"
        if len(shape) > 3:
            found = f"{len(shape)} axes (time series, channels or colour)"
            return f"{found}, but one 3-D volume is needed; save the volumes one by one"
        axis = self._slice_axis(shape)
        if not self._is_large((*shape[:axis], *shape[axis + 1 :], shape[axis])):
            return f"fewer voxels along an axis than the {self.min_shape} needed; give a larger volume"
        return None

    @staticmethod
    def _value_problem(img: NdarrayOrTensor) -> str | None:
        values = convert_to_tensor(img)
        bad = values.numel() - int(torch.isfinite(values).sum())
        if bad:
            return f"{bad} voxels are NaN or infinite; set them to numbers, or export the scan again"
        if (values < 0).any():
            return (
                f"negative values, down to {float(values.min()):g}, but magnitudes are never negative; give "
                "the magnitude image (not the phase, the real part, or one scaled to zero mean)"
            )
        return None if values.any() else "all voxels are zero; export the scan again"


def _without_single_axes(img: NdarrayOrTensor) -> NdarrayOrTensor:
    """``img`` without the axes behind the third, if each has one voxel."""
    if set(img.shape[3:]) != {1}:
        return img
    img = img.reshape(img.shape[:3])
    if isinstance(img, MetaTensor):
        img.meta["original_channel_dim"] = "no_channel"
    return img


def _slices_last(img: NdarrayOrTensor, axis: int) -> NdarrayOrTensor:
    """``img`` with the ``axis`` of its slices as the last one."""
    if not isinstance(img, torch.Tensor):
        return np.moveaxis(img, axis, -1)
    moved = img.movedim(axis, -1)
    if isinstance(moved, MetaTensor):
        order = [*(other for other in range(3) if other != axis), axis, 3]
        moved.affine = moved.affine[:, order]
        moved.meta["slice_axis"] = axis
    return moved


class CheckVolumed(MapTransform):
    """Dictionary version of ``CheckVolume``; messages name the key of an image without a file name."""

    backend = CheckVolume.backend

    def __init__(
        self, keys: KeysCollection, min_shape: int | Sequence[int] = 1, *, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.check = CheckVolume(min_shape)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.check(item[key], name=f"key '{key}'")
        return item
