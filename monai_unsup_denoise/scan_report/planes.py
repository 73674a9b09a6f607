"""Slices of a volume as pictures for a page: sagittal, coronal and axial, the patient's right on the left."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import nibabel
import numpy as np
from PIL import Image

PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class Picture:
    """A slice, ready for ``<img>``.

    Attributes:
        plane: of `PLANES`.
        source: a ``data:`` address of a PNG.
        width, height: in millimetres.
    """

    plane: str
    source: str
    width: float
    height: float


class Planes:
    """The middle slices of volumes of one scan.

    Args:
        affine: from voxels to millimetres, right-anterior-superior, ``(4, 4)``.
        center: voxel ``(x, y, z)`` through which the slices go.
    """

    def __init__(self, affine: np.ndarray, center: tuple[int, int, int]) -> None:
        found = nibabel.orientations.io_orientation(affine)
        self._to_ras = np.array([[0, 1], [1, 1], [2, 1]]) if np.isnan(found).any() else found  # of a singular affine
        self._sizes = nibabel.affines.voxel_sizes(affine)
        self._center = center

    def draw(self, volume: np.ndarray, low: float, high: float) -> list[Picture]:
        """The slices of ``(X, Y, Z)``, black at ``low`` and white at ``high``."""
        order = np.argsort(self._to_ras[:, 0])
        sizes = self._sizes[order]
        pictures = []
        for axis, plane in enumerate(PLANES):
            index = [slice(None)] * 3
            along = order[axis]  # in the file
            index[along] = slice(self._center[along], self._center[along] + 1)
            ras = nibabel.orientations.apply_orientation(volume[tuple(index)], self._to_ras)
            shown = np.squeeze(ras, axis)
            if plane != "sagittal":
                shown = shown[::-1]  # as radiologists look: the patient's right is on the left
            width, height = np.delete(sizes, axis)
            gray = np.clip((shown - low) / (high - low if high > low else 1.0), 0, 1)
            pixels = np.rint(255 * gray.T[::-1]).astype(np.uint8)
            pictures.append(Picture(plane, _png(pixels), width * shown.shape[0], height * shown.shape[1]))
        return pictures


def _png(pixels: np.ndarray) -> str:
    """A ``data:`` address of gray pixels ``(rows, columns)``."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
