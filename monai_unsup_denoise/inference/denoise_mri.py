"""MONAI transforms that denoise: for training and inference pipelines whose next step wants less noise."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.config import KeysCollection, NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends

from monai_unsup_denoise.inference.denoise_any import DenoiseOptions, check_options, denoise_named

if TYPE_CHECKING:
    from typing import Unpack


class DenoiseMRI(Transform):
    """Denoise a magnitude image ``(C, X, Y, Z)``, ``(X, Y, Z)`` or ``(1, X, Y)``; float32, of the same kind.

    Every channel is an image of its own, with its own noise. It is not random, so that caching datasets keep its
    results: put it before the first random transform, and before any that changes intensities other than by a factor.
    The metadata of a MetaTensor and its applied operations stay. Pickles and copies hold no weights: these are loaded
    with the first image, once in every process.

    Args:
        series: the channels are the volumes of one time or diffusion series, and share one noise estimate.
        options: those of `monai_unsup_denoise.denoise`, such as ``strength``.

    Raises:
        InputError: for an option out of range; when called, as `monai_unsup_denoise.denoise`.
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, *, series: bool = False, **options: Unpack[DenoiseOptions]) -> None:
        if unknown := sorted(options.keys() - DenoiseOptions.__annotations__.keys()):
            raise TypeError(f"{type(self).__name__} has no option {unknown[0]!r}")
        check_options(strength=options.get("strength"), sigma=options.get("sigma"))
        self.series = series
        self.options = options

    def __call__(self, img: NdarrayOrTensor, name: str = "the image") -> NdarrayOrTensor:
        """The denoised image; messages use ``name`` for an image without a file name."""
        if img.ndim != 4 or len(img) == 1:
            return denoise_named(img, name, **self.options)
        if self.series:
            return denoise_named(img, name, series_axis=0, **self.options)
        if isinstance(img, np.ndarray):
            return np.stack([denoise_named(channel, name, **self.options) for channel in img])
        file = getattr(img, "meta", {}).get("filename_or_obj") or name
        channels = img.as_subclass(torch.Tensor)
        out = torch.stack([denoise_named(channel, str(file), **self.options) for channel in channels])
        return MetaTensor(out).copy_meta_from(img) if isinstance(img, MetaTensor) else out


class DenoiseMRId(MapTransform):
    """Dictionary version of `DenoiseMRI`; messages name the key of an image without a file name."""

    backend = DenoiseMRI.backend

    def __init__(
        self,
        keys: KeysCollection,
        *,
        series: bool = False,
        allow_missing_keys: bool = False,
        **options: Unpack[DenoiseOptions],
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.denoise = DenoiseMRI(series=series, **options)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        item = dict(data)
        for key in self.key_iterator(item):
            item[key] = self.denoise(item[key], name=f"key '{key}'")
        return item
