"""Validation of loaded volumes, while the error can still name the file."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_tensor
from scipy import ndimage
from torch import Tensor

from monai_unsup_denoise.errors import InputError

Nonpositive = Literal["refuse", "clip"]

#: What is clipped at most, as a share of the sum of the magnitudes. A masked scan that was turned by splines has
#: 0.006 to 0.008; a real part 0.03 and more; CT, phase, and maps scaled to zero mean about 1.
_MAX_NEGATIVE = 0.02
#: Voxels without a value in tissue, as a share of all; in the background there may be any number.
_MAX_MISSING = 0.01


class CheckVolume(Transform):
    """Return a valid magnitude volume ``(X, Y, Z)``; refuse anything else with one line that names the file.

    Further axes of one voxel are dropped (a time series of one volume). Where ``min_shape`` asks for it, the shortest
    axis becomes the last one: slices along any axis. ``meta["slice_axis"]`` says where it was, and the affine follows.
    Any other volume is returned unchanged. Place this after ``LoadImage`` and before ``EnsureChannelFirst``.

    ``nonpositive="clip"`` sets negative values and NaN to zero, as resampling and masking leave them, and counts them
    in ``meta["clipped_voxels"]``. The negative values may sum to 2 % of the magnitudes, and of all voxels 1 % may be
    NaN without belonging to a region of NaN that reaches the edge of the volume (the background).

    Args:
        min_shape: minimum number of voxels along each axis; three numbers, or one for all.
        nonpositive: what is done about negative values and NaN.

    Raises:
        InputError: when called with anything but one 3-D volume, with an axis shorter than ``min_shape``, with
            infinite values, with NaN or negative ones that are not clipped, or with zeros only.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, min_shape: int | Sequence[int] = 1, *, nonpositive: Nonpositive = "refuse") -> None:
        self.min_shape = (min_shape,) * 3 if isinstance(min_shape, int) else tuple(min_shape)
        if len(self.min_shape) != 3:
            raise ValueError(f"min_shape takes one number or three, got {min_shape}")
        if nonpositive not in get_args(Nonpositive):
            raise InputError(f"nonpositive: {nonpositive!r} is unknown; give refuse or clip")
        self.clips = nonpositive == "clip"

    def __call__(self, img: NdarrayOrTensor, name: str = "the volume") -> NdarrayOrTensor:
        """Check ``img``; messages use ``name`` for an image without a file name."""
        img = _without_single_axes(img)
        meta = getattr(img, "meta", {})
        problem = self._shape_problem(tuple(img.shape), meta) or self._value_problem(img)
        if problem:
            raise InputError(f"{meta.get('filename_or_obj') or name} (shape {tuple(img.shape)}): {problem}")
        if self.clips:
            img = _clipped(img)
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
            found = f"{len(shape)} axes (time series, channels or colour), but one 3-D volume is needed"
            return f"{found}; save the volumes one by one (`mri-denoise denoise` takes 4-D NIfTI)"
        axis = self._slice_axis(shape)
        if not self._is_large((*shape[:axis], *shape[axis + 1 :], shape[axis])):
            return f"fewer voxels along an axis than the {self.min_shape} needed; give a larger volume"
        return None

    def _value_problem(self, img: NdarrayOrTensor) -> str | None:
        values = convert_to_tensor(img, track_meta=False)
        missing, infinite = int(values.isnan().sum()), int(values.isinf().sum())
        if infinite:
            return f"{missing + infinite} voxels are NaN or infinite; export the scan again"
        if missing and (share := _missing_in_tissue(values)) > _MAX_MISSING:
            return (
                f"{missing} voxels are NaN; those within tissue are {share:.1%} of the volume, and --nonpositive clip "
                f"takes at most {_MAX_MISSING:.0%}; export the scan again"
            )
        if missing and not self.clips:
            return f"{missing} voxels are NaN; set them to numbers, or to 0 with --nonpositive clip"
        share = _negative_share(values)
        what = f"negative values, down to {float(values.min()):g}, but magnitudes are never negative; give the"
        if share > _MAX_NEGATIVE:
            return (
                f"{what} magnitude image (not the phase, the real part, or one scaled to zero mean); they are too "
                f"large to clip: their sum is {share:.1%} of that of the others, and --nonpositive clip takes at most "
                f"{_MAX_NEGATIVE:.0%}"
            )
        if share and not self.clips:
            return f"{what} magnitude image, or set these few to 0 with --nonpositive clip"
        return None if (values > 0).any() else "all voxels are zero; export the scan again"


def _negative_share(values: Tensor) -> float:
    """Sum of the negative values, relative to that of the positive ones."""
    negative = values < 0
    if not negative.any():
        return 0.0
    positive = float(values.clamp(min=0).nansum(dtype=torch.float64))
    return -float(values[negative].sum(dtype=torch.float64)) / positive if positive else math.inf


def _missing_in_tissue(values: Tensor) -> float:
    """Share of the voxels that are NaN and in no region of NaN that reaches the edge of the volume.

    All regions reach the edges of an axis with few voxels, so these do not count.
    """
    regions, count = ndimage.label(values.isnan().numpy(force=True))
    is_inside = np.arange(count + 1) > 0
    for axis, n in enumerate(values.shape):
        if 4 * n >= max(values.shape):
            is_inside[np.take(regions, (0, -1), axis)] = False
    return float(is_inside[regions].mean())


def _clipped(img: NdarrayOrTensor) -> NdarrayOrTensor:
    """``img`` with zeros for negative values and NaN, counted in its meta; itself if there are none."""
    invalid = ~(convert_to_tensor(img, track_meta=False) >= 0)
    count = int(invalid.sum())
    if not count:
        return img
    if not isinstance(img, torch.Tensor):
        return np.where(invalid.numpy(), np.zeros((), img.dtype), img)
    img = img.masked_fill(invalid, 0)
    if isinstance(img, MetaTensor):
        img.meta["clipped_voxels"] = count
    return img


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
        self,
        keys: KeysCollection,
        min_shape: int | Sequence[int] = 1,
        *,
        nonpositive: Nonpositive = "refuse",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.check = CheckVolume(min_shape, nonpositive=nonpositive)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.check(item[key], name=f"key '{key}'")
        return item
