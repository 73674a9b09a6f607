"""Validation of loaded volumes, while the error can still name the file."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_tensor

from monai_unsup_denoise.errors import InputError


class CheckVolume(Transform):
    """Return a valid magnitude volume unchanged; refuse anything else with one line that names the file.

    Place it after ``LoadImage`` and before ``EnsureChannelFirst``: the array is ``(X, Y, Z)``, as in the file.

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
        meta = getattr(img, "meta", {})
        problem = self._shape_problem(tuple(img.shape), meta) or self._value_problem(img)
        if problem:
            raise InputError(f"{meta.get('filename_or_obj') or name} (shape {tuple(img.shape)}): {problem}")
        return img

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
        if any(n < least for n, least in zip(shape, self.min_shape, strict=True)):
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


class CheckVolumed(MapTransform):
    """Dictionary version of ``CheckVolume``; messages name the key of an image without a file name."""

    backend = CheckVolume.backend

    def __init__(
        self, keys: KeysCollection, min_shape: int | Sequence[int] = 1, *, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.check = CheckVolume(min_shape)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        for key in self.key_iterator(data):
            self.check(data[key], name=f"key '{key}'")
        return dict(data)
