"""What a training reads: noisy volumes, clean ones of other people, and a validation set with known truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from monai_unsup_denoise.data.brainweb import brainweb_datalist
from monai_unsup_denoise.data.phantom import phantom_datalist
from monai_unsup_denoise.data.subjects import split_by_subject, subject_of
from monai_unsup_denoise.io.find import find_volumes


def training_datalists(
    cache_dir: str | Path | None,
    *,
    noisy_dir: str | Path | None = None,
    clean_dir: str | Path | None = None,
    noisy_subjects: int | Iterable[int] = (0, 1, 2, 3),
    clean_subjects: int | Iterable[int] = (4, 5, 6, 7),
    validation_subjects: int | Iterable[int] = (8,),
    contrasts: Sequence[str] = ("T1w", "PDw", "T2w"),
    spacing: int = 1,
    levels: Sequence[float] = (5, 10, 15, 20, 25, 30),
    seed: int = 0,
    progress: bool = True,
) -> dict[str, list[dict[str, Any]]]:
    """MONAI datalists ``noisy``, ``clean`` and ``validation``; a domain without a folder is the phantom's.

    Phantom subjects must differ between the three. Of the people in a folder of clean volumes a tenth, at least one, is
    held out for validation; the volumes of one person alone are used for both.

    Args:
        cache_dir: where phantom scans are kept.
        noisy_dir: folder, file or datalist of the user's noisy volumes; ``brainweb`` for BrainWeb, downloaded with the
            extra of that name, ``brainweb:FOLDER`` for its files in a folder.
        clean_dir: the same for clean volumes; never of the same scans, unless a model denoised them. Scores are then
            against what it made of them, not against the truth.
        noisy_subjects, clean_subjects, validation_subjects: phantom subjects of each domain.
        contrasts: of the phantom.
        spacing: of the phantom, mm.
        levels: noise levels in percent at which each validation volume is evaluated.
        seed: of the phantom population and of the choice of held-out volumes.
        progress: show a progress bar while phantoms are made.

    Returns:
        Items with ``image``; those for validation with ``image`` and ``label`` (one file twice) and
        ``level``.
    """

    def phantom(subjects: int | Iterable[int]) -> list[dict[str, Any]]:
        return phantom_datalist(cache_dir, subjects, contrasts=contrasts, seed=seed, spacing=spacing, progress=progress)

    noisy = _volumes(noisy_dir) if noisy_dir else phantom(noisy_subjects)
    if clean_dir:
        clean = held_out = _volumes(clean_dir)
        if len({subject_of(item) for item in clean}) > 1:
            clean, held_out = split_by_subject(clean, 0.1, seed=seed)
    else:
        clean, held_out = phantom(clean_subjects), phantom(validation_subjects)
    return {"noisy": noisy, "clean": clean, "validation": with_levels(held_out, levels)}


def with_levels(clean: Sequence[dict[str, Any]], levels: Sequence[float]) -> list[dict[str, Any]]:
    """Every clean volume at every noise level: ``image`` and ``label`` are one file, the noise is added on loading."""
    return [{**item, "label": item["image"], "level": float(level)} for item in clean for level in levels]


def evaluation_datalist(
    cache_dir: str | Path | None,
    *,
    clean_dir: str | Path | None = None,
    subjects: int | Iterable[int] = (11,),
    contrasts: Sequence[str] = ("T1w", "PDw", "T2w"),
    spacing: int = 1,
    levels: Sequence[float] = (5, 10, 15, 20, 25, 30),
    seed: int = 0,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """What a trained model is measured on: every volume of ``clean_dir``, or phantom subjects, at every noise level.

    Arguments as in :func:`training_datalists`; the phantom subjects must be none that a training saw.
    """
    if clean_dir:
        return with_levels(_volumes(clean_dir), levels)
    clean = phantom_datalist(cache_dir, subjects, contrasts=contrasts, seed=seed, spacing=spacing, progress=progress)
    return with_levels(clean, levels)


def data_source_label(source: str | Path | None) -> str:
    """What ``noisy_dir`` or ``clean_dir`` stands for, without its name: ``phantoms``, ``BrainWeb`` or ``own data``."""
    if not source:
        return "phantoms"
    return "BrainWeb" if _is_brainweb(source) else "own data"


def _volumes(source: str | Path) -> list[dict[str, Any]]:
    if _is_brainweb(source):
        return brainweb_datalist(str(source).partition(":")[2] or None)
    return find_volumes(source)


def _is_brainweb(source: str | Path) -> bool:
    return Path(str(source).partition(":")[0]).name == "brainweb" and not Path(source).exists()
