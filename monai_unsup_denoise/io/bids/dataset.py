"""The scans of a BIDS dataset and their metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.bids.ignore import read_ignore

#: Contrasts of the training. Others have other physics (maps) or are unseen (FLAIR, T2starw).
ANATOMICAL_SUFFIXES = ("T1w", "PDw", "T2w")
_IMAGES = (".nii.gz", ".nii")
#: Values of the entity ``part`` other than magnitude.
_NOT_MAGNITUDES = ("phase", "real", "imag")


def read_description(dataset: Path) -> dict[str, Any]:
    """Content of the ``dataset_description.json`` of the folder ``dataset``.

    Raises:
        InputError: where it is missing, so that the folder is not a BIDS dataset, or damaged.
    """
    path = dataset / "dataset_description.json"
    if not dataset.is_dir():
        raise InputError(f"{dataset}: no such folder; give the root folder of a BIDS dataset")
    if not path.is_file():
        raise InputError(f"{dataset}: not a BIDS dataset, dataset_description.json is missing; give its root folder")
    return _read_json(path)


def find_scans(
    dataset: Path,
    *,
    participants: Sequence[str] = (),
    sessions: Sequence[str] = (),
    suffixes: Collection[str] = ANATOMICAL_SUFFIXES,
) -> list[PurePosixPath]:
    """Paths below ``dataset`` of the anatomical magnitude images with one of ``suffixes``, sorted.

    Only ``sub-*/anat`` and ``sub-*/ses-*/anat`` are searched. Phase, real and imaginary parts are left out, derived
    images (``desc-``), and what ``.bidsignore`` names. Labels are with or without ``sub-`` or ``ses-``; empty for all.

    Raises:
        InputError: for a participant or session that the dataset does not have, or if no image is left.
    """
    is_ignored = read_ignore(dataset)
    images = [image for image in _anatomical_images(dataset) if not is_ignored(image)]
    folders = [path.name for path in dataset.glob("sub-*") if path.is_dir()]
    for key, labels, known in (
        ("sub", participants, {folder.removeprefix("sub-") for folder in folders}),
        ("ses", sessions, {path.name.removeprefix("ses-") for path in dataset.glob("sub-*/ses-*") if path.is_dir()}),
    ):
        wanted = {label.removeprefix(f"{key}-") for label in labels}
        if missing := sorted(wanted - known):
            there_are = ", ".join(sorted(known)) or "none"
            raise InputError(f"{key}-{missing[0]}: not in {dataset}; there are: {there_are}")
        images = [image for image in images if not wanted or parse_name(image.name)[0].get(key) in wanted]
    found = [image for image in images if parse_name(image.name)[1] in suffixes]
    if not found:
        others = ", ".join(sorted({parse_name(image.name)[1] for image in images})) or "none at all"
        raise InputError(
            f"{dataset}: no {', '.join(suffixes)} image of the given participants and sessions (in anat: {others}); "
            "give others with --suffix"
        )
    return sorted(found)


def check_only_one(dataset: Path, scan: PurePosixPath) -> None:
    """Check that ``scan`` does not share its stem, and thus its derivative and sidecars, with another image.

    Raises:
        InputError: if it does (``.nii`` and ``.nii.gz``).
    """
    ending = ".nii" if scan.name.endswith(".gz") else ".nii.gz"
    other = scan.with_name(scan.name.removesuffix(".gz").removesuffix(".nii") + ending)
    if os.path.lexists(dataset / other):
        raise InputError(f"{scan}: there is {other.name}, too; remove one of them")


def read_metadata(dataset: Path, scan: PurePosixPath) -> dict[str, Any]:
    """Metadata of ``scan``, a path below ``dataset``, from its sidecars.

    By the inheritance principle: a sidecar applies to images in and below its folder with its suffix and all its
    entities. Deeper ones override, and at one depth those with more entities.

    Raises:
        InputError: for a sidecar that cannot be read.
    """
    entities, suffix = parse_name(scan.name)
    metadata: dict[str, Any] = {}
    for folder in reversed(scan.parents):
        applying = []
        for path in (dataset / folder).glob(f"*{suffix}.json"):
            its_entities, its_suffix = parse_name(path.name)
            if its_suffix == suffix and its_entities.items() <= entities.items():
                applying.append((len(its_entities), path))
        for _, path in sorted(applying):
            metadata |= _read_json(path)
    return metadata


def parse_name(name: str) -> tuple[dict[str, str], str]:
    """Entities and suffix of a file name: ``sub-01_run-1_T1w.nii.gz`` is ``{"sub": "01", "run": "1"}`` and ``T1w``."""
    *parts, suffix = name.partition(".")[0].split("_")
    return {key: label for key, _, label in (part.partition("-") for part in parts)}, suffix


def _anatomical_images(dataset: Path) -> Iterator[PurePosixPath]:
    for pattern in ("sub-*/anat/sub-*", "sub-*/ses-*/anat/sub-*"):
        for path in dataset.glob(pattern):
            entities, _ = parse_name(path.name)
            is_image = path.name.endswith(_IMAGES) and not path.is_dir()
            if is_image and entities.get("part") not in _NOT_MAGNITUDES and "desc" not in entities:
                yield PurePosixPath(path.relative_to(dataset).as_posix())


def _read_json(path: Path) -> dict[str, Any]:
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: a pipe, device or folder, not a JSON file; remove it")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); fix this JSON file") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a JSON object; fix this file")
    return content
