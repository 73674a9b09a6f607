"""Split a datalist so that no subject is on both sides."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from monai_unsup_denoise.errors import InputError


def split_by_subject(
    datalist: Sequence[dict[str, Any]], amount: int | float, *, seed: int = 0
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Split a datalist in two, never one person's images: the rest, and those held out.

    A person is the item's "subject", else the `sub-...` in its path (as in BIDS), else the image itself.

    Args:
        datalist: items with "image".
        amount: of people to hold out; an int is their number, a float below 1 their part (at least one).
        seed: another seed holds out others; the order of the items does not matter to the choice.

    Raises:
        InputError: where nobody would be left on one side.
    """
    people = sorted({subject_of(item) for item in datalist})
    number = amount if isinstance(amount, int) else max(round(amount * len(people)), 1)
    if not 0 < number < len(people):
        raise InputError(
            f"cannot hold out {amount} of {len(people)} subject(s): both sides need at least one; "
            "give more subjects or another amount"
        )
    chosen = {people[i] for i in np.random.RandomState(seed).permutation(len(people))[:number]}
    rest = [item for item in datalist if subject_of(item) not in chosen]
    return rest, [item for item in datalist if subject_of(item) in chosen]


def subject_of(item: dict[str, Any]) -> str:
    """Whom an item shows: its "subject", else the last `sub-...` in its path (as in BIDS), else the image itself."""
    if "subject" in item:
        return str(item["subject"])
    named = re.findall(r"sub-[0-9A-Za-z]+", str(item["image"]))
    return named[-1] if named else str(item["image"])
