"""Splitting a datalist by subject."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_unsup_denoise.errors import InputError

Datalist = list[dict[str, Any]]


def split_by_subject(
    datalist: Sequence[dict[str, Any]], amount: int | float, *, seed: int = 0
) -> tuple[Datalist, Datalist]:
    """Split a datalist into the remaining and the held-out items, without a subject on both sides.

    Args:
        datalist: items with "image".
        amount: subjects to hold out; an integer is their number, a float below 1 their fraction (at least one).
        seed: seed of the choice, which does not depend on the order of the items.

    Raises:
        InputError: if one side would be empty.
    """
    subjects = sorted({subject_of(item) for item in datalist})
    number = amount if isinstance(amount, int) else max(round(amount * len(subjects)), 1)
    if not 0 < number < len(subjects):
        raise InputError(
            f"cannot hold out {amount} of {len(subjects)} subject(s): both sides need at least one; "
            "give more subjects or another amount"
        )
    chosen = {subjects[i] for i in np.random.RandomState(seed).permutation(len(subjects))[:number]}
    rest = [item for item in datalist if subject_of(item) not in chosen]
    return rest, [item for item in datalist if subject_of(item) in chosen]


def subject_of(item: dict[str, Any]) -> str:
    """Subject of an item: its "subject", else the last ``sub-...`` in its path (as in BIDS), else the image itself."""
    if "subject" in item:
        return str(item["subject"])
    named = re.findall(r"sub-[0-9A-Za-z]+", str(item["image"]))
    return named[-1] if named else str(item["image"])
