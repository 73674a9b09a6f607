"""Phantom scans on disk, as a MONAI datalist."""

import functools
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from torch import Tensor
from tqdm import tqdm

from monai_unsup_denoise.data.cache import default_cache_dir, is_cached
from monai_unsup_denoise.data.phantom.acquisition import Scan, acquire
from monai_unsup_denoise.data.phantom.anatomy import draw_anatomy
from monai_unsup_denoise.data.phantom.contrast import CONTRASTS, Relaxation, relaxation
from monai_unsup_denoise.data.phantom.quality_object import draw_object
from monai_unsup_denoise.data.phantom.template import load_template, magnified_part
from monai_unsup_denoise.data.phantom.variation import vary
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write

KINDS = (*CONTRASTS, "fine", "QA")
#: Part of every cached path; increase it with every change of the phantoms' voxels.
VERSION = 4


def phantom_datalist(
    cache_dir: str | Path | None,
    subjects: int | Iterable[int],
    *,
    contrasts: Sequence[str] = ("T1w", "PDw", "T2w"),
    seed: int = 0,
    spacing: int = 1,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Noise-free scans of phantom heads, one per subject and contrast, computed on first use and cached.

    A scan depends only on seed, subject and contrast. Half of the scans are isotropic, the others have slices 2 to 5
    voxels thick. The slice axis (last of the array) alternates, and every fifth subject is skull-stripped. All three
    follow from the numbers of subject and contrast, so that a few subjects cover all combinations.

    Args:
        cache_dir: cache folder; None for ``default_cache_dir()``.
        subjects: number of subjects (0, 1, ...), or their numbers.
        contrasts: of "T1w", "PDw", "T2w", and for more variety "random" (signals of the tissues at random; half of the
            scans shaded by receive coils, a third with the skull stripped by a mask), "fine" (a part of the head on
            voxels of half the size, any contrast) and "QA" (a test object instead of a head, see ``draw_object``).
        seed: seed of the population.
        spacing: in-plane voxel size of heads in mm.
        progress: show a progress bar while scans are computed.

    Returns:
        One item per scan: ``subject``, ``contrast``, and the paths of two NIfTI files. ``image`` is the magnitude in
        arbitrary units, with background exactly 0. ``tissue`` has the labels 0 air, 1 CSF, 2 grey matter, 3 white
        matter, 4 fat, 5 muscle and skin, 6 bone.

    Raises:
        InputError: for an unknown contrast, a negative subject, or no subject.
    """
    numbers = list(range(subjects)) if isinstance(subjects, int) else [int(subject) for subject in subjects]
    if not numbers or min(numbers) < 0:
        raise InputError(f"subjects: {subjects!r} names no phantom; give a count from 1 or numbers from 0 up")
    if unknown := sorted(set(contrasts) - set(KINDS)):
        raise InputError(f"contrasts: {unknown} unknown; choose from {list(KINDS)}")
    cache = default_cache_dir() if cache_dir is None else Path(cache_dir)
    folder = cache / f"phantom_v{VERSION}_{spacing}mm_seed{seed}"
    items: list[dict[str, Any]] = [
        {
            "image": str(folder / f"sub-{subject:04d}_{contrast}.nii"),
            "tissue": str(folder / f"sub-{subject:04d}_{contrast}_tissue.nii"),
            "subject": subject,
            "contrast": contrast,
        }
        for subject in numbers
        for contrast in contrasts
    ]
    missing = [item for item in items if not all(is_cached(Path(item[key])) for key in ("tissue", "image"))]
    with tqdm(total=len(missing), desc="phantom", unit="scan", disable=not (progress and missing)) as bar:
        for subject in sorted({item["subject"] for item in missing}):
            for item in _scans(cache, subject, [i for i in missing if i["subject"] == subject], seed, spacing):
                bar.update()
                bar.set_postfix_str(Path(item["image"]).name)
    return items


def _scans(cache: Path, subject: int, items: list[dict[str, Any]], seed: int, spacing: int) -> Iterable[dict[str, Any]]:
    drawn = functools.cache(functools.partial(_draw_head, cache, subject, seed, spacing))
    for item in items:
        kind = item["contrast"]
        own = np.random.default_rng([seed, subject, zlib.crc32(kind.encode())])
        _write(draw_object(subject, rng=own) if kind == "QA" else _scan_head(drawn, subject, kind, own), item)
        yield item


def _draw_head(cache: Path, subject: int, seed: int, spacing: int, fine: bool) -> tuple[Tensor, np.ndarray, Relaxation]:
    maps, affine = load_template(cache, spacing=spacing)
    rng = np.random.default_rng([seed, subject])
    if fine:
        maps, affine = magnified_part(maps, affine, rng=np.random.default_rng([seed, subject, 1]))
    tissue = relaxation(rng)
    return draw_anatomy(maps, affine, rng=rng, stripped=subject % 5 == 4), affine, tissue


def _scan_head(drawn: Callable, subject: int, kind: str, rng: np.random.Generator) -> Scan:
    turn = subject + KINDS.index(kind)
    thickness = 1 if turn % 2 == 0 else int(rng.integers(2, 6))
    fractions, affine, tissue = drawn(kind == "fine")
    contrast = str(rng.choice(list(CONTRASTS))) if kind == "fine" else kind
    scan = acquire(fractions, affine, tissue, contrast=contrast, axis=(2 + turn) % 3, thickness=thickness, rng=rng)
    return vary(scan, rng) if kind == "random" else scan


def _write(scan: Scan, item: dict[str, Any]) -> None:
    """Write the labels, then the image as 16-bit integers with a slope, which keeps 0 exact."""
    slope = float(scan.image.max()) / np.iinfo(np.int16).max
    image = nibabel.Nifti1Image(np.rint(scan.image / slope).astype(np.int16), scan.affine)
    image.header.set_slope_inter(slope, 0.0)
    for key, volume in (("tissue", nibabel.Nifti1Image(scan.tissue, scan.affine)), ("image", image)):
        volume.header.set_xyzt_units("mm")
        with atomic_write(Path(item[key])) as partial:
            nibabel.save(volume, partial)
