"""Phantom heads of no training, cut to a slab, with the lesions and pairs of spots that are drawn into them."""

from __future__ import annotations

from dataclasses import dataclass

import nibabel
import numpy as np

from monai_unsup_denoise.benchmark.trust.lesions import Lesion, draw_lesions
from monai_unsup_denoise.benchmark.trust.rayleigh import Pair, draw_pairs
from monai_unsup_denoise.data import phantom_datalist

#: In no training set; their PDw scans have isotropic voxels of 1 mm.
SUBJECTS = (61, 63, 65, 67, 71, 73, 75, 77)
CONTRAST = "PDw"


@dataclass(frozen=True)
class Subject:
    """A slab of a head.

    Attributes:
        name: of the scan.
        clean: ``(X, Y, Z)`` float32, maximum 1.
        tissue: labels of the same shape, see `phantom_datalist`.
        lesions, pairs: drawn at random, the same in every run.
    """

    name: str
    clean: np.ndarray
    tissue: np.ndarray
    lesions: list[Lesion]
    pairs: list[Pair]


def load_subject(number: int, *, slices: int) -> Subject:
    """The slab of ``slices`` slices around the middle of the head of a subject."""
    [item] = phantom_datalist(None, [number], contrasts=[CONTRAST], progress=False)
    clean = np.asarray(nibabel.Nifti1Image.from_filename(item["image"]).dataobj, dtype=np.float32)
    tissue = np.asarray(nibabel.Nifti1Image.from_filename(item["tissue"]).dataobj)
    middle = round(float(np.flatnonzero(np.isin(tissue, (2, 3)).any(axis=(0, 1))).mean()))
    slab = np.s_[:, :, max(middle - slices // 2, 0) : middle + (slices + 1) // 2]
    clean, tissue = np.ascontiguousarray(clean[slab] / clean.max()), np.ascontiguousarray(tissue[slab])
    rng = np.random.default_rng(number)
    return Subject(f"phantom_{number}", clean, tissue, draw_lesions(tissue, rng), draw_pairs(tissue, rng))
