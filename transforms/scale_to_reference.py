"""Scaling to the reference intensity, and its inverse."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.config import KeysCollection, NdarrayOrTensor
from monai.data.meta_tensor import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, Transform
from monai.utils import TraceKeys, TransformBackends, convert_to_dst_type
from torch import Tensor

from monai_unsup_denoise.transforms.reference import reference_intensity
from monai_unsup_denoise.transforms.rician_noise import to_float


class ScaleToReferenceIntensity(InvertibleTransform, Transform):
    """Divide an image by its ``reference_intensity``, so that bright tissue becomes 1; float32.

    Nothing is subtracted, since the Rician model needs the true zero of magnitudes. The reference is recorded in
    ``meta["reference"]`` and in the trace; ``inverse`` and ``Invertd`` multiply by it.

    Args:
        percentile: of the bright part of the image, 0 to 100.
    """

    backend = [TransformBackends.TORCH]

    def __init__(self, percentile: float = 99.5) -> None:
        if not 0 <= percentile <= 100:
            raise ValueError(f"percentile must lie between 0 and 100, got {percentile}")
        self.percentile = percentile

    def __call__(self, img: NdarrayOrTensor) -> Tensor:
        """Scaled copy of ``img``, ``(C, *spatial)``."""
        image = to_float(img)
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        reference = float(reference_intensity(plain, self.percentile))
        out = convert_to_dst_type(plain / reference, image)[0]
        if isinstance(out, MetaTensor):
            out.meta["reference"] = reference
            self.push_transform(out, extra_info={"reference": reference})
        return out

    def inverse(self, data: Tensor) -> Tensor:
        """Restore the original units; a RuntimeError if this was not the last traced transform."""
        return data * self.pop_transform(data)[TraceKeys.EXTRA_INFO]["reference"]


class ScaleToReferenceIntensityd(MapTransform, InvertibleTransform):
    """Dictionary version of ``ScaleToReferenceIntensity``; each key has its own reference."""

    backend = ScaleToReferenceIntensity.backend

    def __init__(self, keys: KeysCollection, percentile: float = 99.5, *, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.scale = ScaleToReferenceIntensity(percentile)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        return {**data, **{key: self.scale(data[key]) for key in self.key_iterator(data)}}

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        return {**data, **{key: self.scale.inverse(data[key]) for key in self.key_iterator(data)}}
