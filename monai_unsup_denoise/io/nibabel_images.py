"""Voxels as an image of nibabel, with the header of the image that they come from."""

from __future__ import annotations

import math
from typing import Any

import nibabel
import numpy as np

from monai_unsup_denoise.io.nibabel_formats import as_nifti


def image_like(original: Any, values: np.ndarray, *, same: bool) -> Any:
    """``values`` as an image in the format of ``original``: NIfTI, or MGH of MGH; ``same`` as of `nifti_like`."""
    return (mgh_like if isinstance(original, nibabel.MGHImage) else nifti_like)(original, values, same=same)


def nifti_like(original: Any, values: np.ndarray, *, same: bool) -> Any:
    """``values`` as NIfTI with the affine and header of ``original``.

    float32; or, with ``same``, in the type and with the scaling of ``original``: integers are rounded and clipped.
    """
    original = as_nifti(original)
    header = original.header.copy()
    values = _with_time_axis(values, original)
    if not same:
        header.set_data_dtype(np.float32)
        return type(original)(values.astype(np.float32), original.affine, header)
    stored = as_stored(values, original)
    header.set_data_dtype(stored.dtype)
    image = type(original)(stored, original.affine, header)
    image.header.set_slope_inter(*scaling(original))
    return image


def new_nifti(values: np.ndarray, affine: np.ndarray) -> Any:
    """``values`` as NIfTI, without the header of another image."""
    image = nibabel.Nifti1Image(values, affine)
    image.set_sform(affine, code="scanner")
    image.set_qform(affine, code="scanner")
    image.header.set_xyzt_units("mm")
    return image


def mgh_like(original: Any, values: np.ndarray, *, same: bool) -> Any:
    """As `nifti_like`, as MGH, which has no scaling."""
    dtype = stored_dtype(original) if same else np.dtype(np.float32)
    stored = to_type(_with_time_axis(values, original), dtype)
    image = nibabel.MGHImage(stored, original.affine, original.header)
    image.set_data_dtype(dtype)
    return image


def scaling(image: Any) -> tuple[float, float]:
    """Slope and intercept of the stored numbers; none where the voxels are in memory."""
    return float(getattr(image.dataobj, "slope", 1)), float(getattr(image.dataobj, "inter", 0))


def stored_dtype(image: Any) -> np.dtype:
    """The type of the stored numbers; of voxels in memory their own, since the header may say another."""
    return image.dataobj.dtype if isinstance(image.dataobj, np.ndarray) else image.get_data_dtype()


def as_stored(values: np.ndarray, original: Any) -> np.ndarray:
    """``values`` in the type and with the scaling of ``original``."""
    slope, inter = scaling(original)
    return to_type((values.astype(np.float64) - inter) / slope, stored_dtype(original))


def to_type(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """``values`` in ``dtype``; rounded and clipped to its range where it is an integer."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values.astype(np.float64)), limits.min, limits.max).astype(dtype)


def _with_time_axis(values: np.ndarray, original: Any) -> np.ndarray:
    """``values`` in the shape of ``original``, such as ``(X, Y, Z, 1)``, unless they are one of its volumes."""
    shape = [n or 1 for n in original.shape]
    return values.reshape(shape) if values.size == math.prod(shape) else values
