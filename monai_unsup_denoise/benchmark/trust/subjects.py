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


@dataclass(frozen=True)
class Slab:
    """The middle slices of a scan: ``clean`` ``(X, Y, Z)`` float32, maximum 1; ``tissue``, labels of that shape."""

    clean: np.ndarray
    tissue: np.ndarray


@dataclass(frozen=True)
class Subject:
    """A head.

    Attributes:
        name: of the head.
        pdw: a slab of the scan into which lesions, pairs and artefacts are drawn.
        t1w: a slab of the scan on which tissue volumes are measured, as is done in practice.
        lesions, pairs: drawn at random, the same in every run.
    """

    name: str
    pdw: Slab
    t1w: Slab
    lesions: list[Lesion]
    pairs: list[Pair]


def load_subject(number: int, *, slices: int) -> Subject:
    """The ``slices`` slices around the middle of the brain of a subject, or all if a scan has fewer."""
    pdw, t1w = (_load_slab(number, contrast, slices) for contrast in ("PDw", "T1w"))
    rng = np.random.default_rng(number)
    return Subject(f"phantom_{number}", pdw, t1w, draw_lesions(pdw.tissue, rng), draw_pairs(pdw.tissue, rng))


def _load_slab(number: int, contrast: str, slices: int) -> Slab:
    [item] = phantom_datalist(None, [number], contrasts=[contrast], progress=False)
    clean = np.asarray(nibabel.Nifti1Image.from_filename(item["image"]).dataobj, dtype=np.float32)
    tissue = np.asarray(nibabel.Nifti1Image.from_filename(item["tissue"]).dataobj)
    middle = round(float(np.flatnonzero(np.isin(tissue, (2, 3)).any(axis=(0, 1))).mean()))
    slab = np.s_[:, :, max(middle - slices // 2, 0) : middle + (slices + 1) // 2]
    return Slab(np.ascontiguousarray(clean[slab] / clean.max()), np.ascontiguousarray(tissue[slab]))
