"""Splitting datalists by subject."""

from pathlib import Path

import pytest

from monai_unsup_denoise.data import split_by_subject


@pytest.mark.parametrize("amount", [2, 0.4])
def test_split_has_every_item_once_and_no_subject_twice(amount):
    items = [{"image": f"{s}_{c}.nii", "subject": s} for s in range(5) for c in "abc"]
    rest, held_out = split_by_subject(items, amount)
    assert {i["subject"] for i in rest}.isdisjoint(i["subject"] for i in held_out)
    assert len(held_out) == 6 and sorted(map(str, rest + held_out)) == sorted(map(str, items))
    assert split_by_subject(items[::-1], amount)[1] == held_out[::-1]
    assert {str(split_by_subject(items, amount, seed=seed)[1]) for seed in range(9)} != {str(held_out)}


def test_subjects_are_read_from_bids_names():
    bids = [{"image": f"/data/sub-{s}/ses-{n}/sub-{s}_T1w.nii"} for s in ("01", "02") for n in (1, 2)]
    rest, held_out = split_by_subject(bids, 1)
    assert len(rest) == len(held_out) == 2
    assert len({Path(item["image"]).name for item in held_out}) == 1
    assert len(split_by_subject([{"image": "a.nii"}, {"image": "b.nii"}], 0.1)[1]) == 1


@pytest.mark.parametrize("amount", [0, 2, 1.0])
def test_split_with_an_empty_side_is_refused(amount):
    with pytest.raises(ValueError, match="both sides need at least one"):
        split_by_subject([{"image": "a.nii"}, {"image": "b.nii"}], amount)
