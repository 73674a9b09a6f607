"""Scanner units to multiples of a reference intensity, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data.meta_obj import get_track_meta
from monai.data.meta_tensor import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, Transform
from monai.utils import TraceKeys, TransformBackends, convert_to_dst_type, convert_to_tensor
from torch import Tensor

from monai_unsup_denoise.transforms.reference import reference_intensity


class ScaleToReferenceIntensity(InvertibleTransform, Transform):
    """Divide an image by its `reference_intensity`, so that bright tissue is 1; float32.

    Nothing is subtracted: the zero of a magnitude image has a meaning in the Rician model. The reference goes
        into ``meta["reference"]`` and into the trace, from which `inverse` (and ``Invertd``) multiplies it
        back.

    Args:
        percentile: of the bright part of the image, 0 to 100.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, percentile: float = 99.5) -> None:
        if not 0 <= percentile <= 100:
            raise ValueError(f"percentile must lie between 0 and 100, got {percentile}")
        self.percentile = percentile

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Normalise ``img`` of shape ``(C, *spatial)``; it is not changed itself."""
        image = convert_to_tensor(img, dtype=torch.float32, track_meta=get_track_meta())
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        reference = float(reference_intensity(plain, self.percentile))
        out = convert_to_dst_type(plain / reference, image)[0]
        if isinstance(out, MetaTensor):
            out.meta["reference"] = reference
            self.push_transform(out, extra_info={"reference": reference})
        return out

    def inverse(self, data: Tensor) -> Tensor:
        """Back to the units before; raises a RuntimeError where the last traced transform is not this one."""
        info = self.pop_transform(data)
        return data * info[TraceKeys.EXTRA_INFO]["reference"]


class ScaleToReferenceIntensityd(MapTransform, InvertibleTransform):
    """Dictionary version of `ScaleToReferenceIntensity`: each key by its own reference."""

    backend = ScaleToReferenceIntensity.backend

    def __init__(self, keys: KeysCollection, percentile: float = 99.5, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.normalize = ScaleToReferenceIntensity(percentile)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.normalize(d[key])
        return d

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.normalize.inverse(d[key])
        return d
