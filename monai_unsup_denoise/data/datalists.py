"""Datalists of a training (noisy, clean and validation volumes) and of an evaluation."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from monai_unsup_denoise.data.brainweb import brainweb_datalist
from monai_unsup_denoise.data.phantom import phantom_datalist
from monai_unsup_denoise.data.subjects import split_by_subject, subject_of
from monai_unsup_denoise.io.find import find_volumes

LEVELS = (5, 10, 15, 20, 25, 30)


def training_datalists(
    cache_dir: str | Path | None,
    *,
    noisy_dir: str | Path | None = None,
    clean_dir: str | Path | None = None,
    noisy_subjects: int | Iterable[int] = (0, 1, 2, 3),
    clean_subjects: int | Iterable[int] = (4, 5, 6, 7),
    validation_subjects: int | Iterable[int] = (8,),
    levels: Sequence[float] = LEVELS,
    seed: int = 0,
    **phantom: Any,
) -> dict[str, list[dict[str, Any]]]:
    """MONAI datalists ``noisy``, ``clean`` and ``validation``. Without a folder, a domain consists of phantoms.

    Of the subjects in a folder of clean volumes one tenth, at least one, is held out for validation. A single subject
    serves both training and validation. Phantom subjects should differ between the three lists.

    Args:
        cache_dir: cache folder of the phantoms; None for ``default_cache_dir()``.
        noisy_dir: folder, file or datalist of noisy volumes; ``brainweb`` to download BrainWeb; ``brainweb:FOLDER`` for
            local BrainWeb files.
        clean_dir: the same for clean volumes. They must not show the same scans as ``noisy_dir``, unless they are model
            outputs; validation PSNR is then relative to those outputs, not to ground truth.
        noisy_subjects, clean_subjects, validation_subjects: phantom subjects of each list.
        levels: noise levels in percent at which each validation volume is evaluated.
        seed: seed of the phantom population and of the held-out subjects.
        phantom: ``contrasts``, ``spacing``, ``progress`` of ``phantom_datalist``.

    Returns:
        Items with ``image``; for validation also ``label`` (the same file) and ``level``.
    """

    def phantoms(subjects: int | Iterable[int]) -> list[dict[str, Any]]:
        return phantom_datalist(cache_dir, subjects, seed=seed, **phantom)

    noisy = _volumes(noisy_dir) if noisy_dir else phantoms(noisy_subjects)
    if clean_dir:
        clean = held_out = _volumes(clean_dir)
        if len({subject_of(item) for item in clean}) > 1:
            clean, held_out = split_by_subject(clean, 0.1, seed=seed)
    else:
        clean, held_out = phantoms(clean_subjects), phantoms(validation_subjects)
    return {"noisy": noisy, "clean": clean, "validation": _with_levels(held_out, levels)}


def evaluation_datalist(
    cache_dir: str | Path | None,
    *,
    clean_dir: str | Path | None = None,
    subjects: int | Iterable[int] = (11,),
    levels: Sequence[float] = LEVELS,
    **phantom: Any,
) -> list[dict[str, Any]]:
    """Test set of a trained model: every volume of ``clean_dir``, else of phantom subjects, at every noise level.

    Arguments as for ``training_datalists``. The phantom subjects must not occur in the training.
    """
    clean = _volumes(clean_dir) if clean_dir else phantom_datalist(cache_dir, subjects, **phantom)
    return _with_levels(clean, levels)


def _with_levels(clean: Sequence[dict[str, Any]], levels: Sequence[float]) -> list[dict[str, Any]]:
    """Every clean volume at every noise level. ``image`` and ``label`` are the same file: noise is added on loading."""
    return [{**item, "label": item["image"], "level": float(level)} for item in clean for level in levels]


def data_source_label(source: str | Path | None) -> str:
    """Kind of ``noisy_dir`` or ``clean_dir``, without its path: ``phantoms``, ``BrainWeb`` or ``own data``."""
    if not source:
        return "phantoms"
    return "BrainWeb" if _is_brainweb(source) else "own data"


def _volumes(source: str | Path) -> list[dict[str, Any]]:
    if _is_brainweb(source):
        return brainweb_datalist(str(source).partition(":")[2] or None)
    return find_volumes(source)


def _is_brainweb(source: str | Path) -> bool:
    return Path(str(source).partition(":")[0]).name == "brainweb" and not Path(source).exists()
