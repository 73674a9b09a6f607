"""Volumes for the interactive viewer of a report: NiiVue, which a report carries in itself."""

from __future__ import annotations

import base64
import gzip
from importlib.resources import files

import nibabel
import numpy as np

_MOST = 2**24  # voxels; of a larger scan only some along each axis are shown


def niivue() -> str:
    """NiiVue's program (BSD-2-Clause, `niivue/LICENSE`), compressed and in base 64."""
    data = (files("monai_unsup_denoise.scan_report") / "niivue" / "niivue.umd.js.gz").read_bytes()
    return base64.b64encode(data).decode()


def niivue_licence() -> str:
    """The licence, which goes with every copy of the program."""
    return (files("monai_unsup_denoise.scan_report") / "niivue" / "LICENSE").read_text(encoding="utf-8")


def viewer_step(voxels: int) -> int:
    """The viewer shows one in so many voxels along each axis of a scan with that many."""
    step = 1
    while voxels / step**3 > _MOST:
        step += 1
    return step


def embedded(volume: np.ndarray, affine: np.ndarray, low: float, high: float) -> str:
    """A volume ``(X, Y, Z)`` as NIfTI, in 8 bits from ``low`` to ``high``, compressed and in base 64.

    Header and data hold nothing but voxels and their geometry.
    """
    step = viewer_step(volume.size)
    shown = volume[::step, ::step, ::step]
    scale = (high - low) / 255 if high > low else 1.0
    voxels = np.rint(np.clip((shown - low) / scale, 0, 255)).astype(np.uint8)
    image = nibabel.Nifti1Image(voxels, affine @ np.diag([step, step, step, 1.0]))
    image.header.set_slope_inter(scale, low)
    image.header["cal_min"], image.header["cal_max"] = low, high
    return base64.b64encode(gzip.compress(image.to_bytes(), 6, mtime=0)).decode()
