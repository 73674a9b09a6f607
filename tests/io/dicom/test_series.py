"""Which series a folder holds, and the choice among them."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.dicom import choose_series, find_series, folder_name
from tests.io.dicom.synthetic import write_series


@pytest.fixture
def study(tmp_path):
    write_series(tmp_path / "a", SeriesNumber=7, SeriesDescription="pd")
    write_series(tmp_path / "b" / "deep", SeriesNumber=2)
    (tmp_path / "notes.txt").write_text("no DICOM")
    return tmp_path


def test_all_series_are_found_by_number(study):
    found = find_series(study)
    assert [(s.number, s.description, s.modality, len(s.files)) for s in found] == [
        (2, "t1", "MR", 6),
        (7, "pd", "MR", 6),
    ]


def test_a_folder_alone_is_searched_where_asked_for(study):
    assert find_series(study, below=False) == [] and len(find_series(study / "a", below=False)) == 1


def test_slices_are_in_the_order_in_which_they_lie(study):
    assert [path.name for path in find_series(study)[0].files] == [f"{n:03d}.dcm" for n in range(6, 0, -1)]


def test_a_series_is_chosen_by_number_or_uid(study):
    found = find_series(study)
    assert choose_series(found, "7", folder=study) is found[1]
    assert choose_series(found, found[0].uid, folder=study) is found[0]
    assert choose_series(found[:1], None, folder=study) is found[0]


@pytest.mark.parametrize(
    ("wanted", "says"), [(None, "2 DICOM series; choose one"), ("9", "no DICOM series whose number or UID is '9'")]
)
def test_without_a_clear_choice_the_series_are_listed(wanted, says, study):
    with pytest.raises(InputError, match=says) as caught:
        choose_series(find_series(study), wanted, folder=study)
    assert "number 2: t1, MR, 6 files" in str(caught.value) and "number 7: pd" in str(caught.value)


def test_a_folder_without_images_and_a_missing_one_are_said(tmp_path):
    with pytest.raises(InputError, match="no DICOM image series"):
        choose_series(find_series(tmp_path), None, folder=tmp_path)
    with pytest.raises(InputError, match="no such file or folder"):
        find_series(tmp_path / "none")


def test_positions_count_and_not_instance_numbers(tmp_path):
    write_series(tmp_path, InstanceNumber=[3, 1, 2, 6, 5, 4])
    assert [path.name[:3] for path in find_series(tmp_path)[0].files] == ["006", "005", "004", "003", "002", "001"]
    assert np.all(np.diff([int(path.name[:3]) for path in find_series(tmp_path)[0].files]) == -1)


HOSTILE = [
    "1/../../../ESCAPED",
    "..",
    "/etc",
    "1.2/../..",
    "C:\\x",
    "1\n2",
    "",
    "1.2.\0",
    "x" * 300,
    "٣.٤",
    "1..2",
    "7",
    "~",
]


@pytest.mark.parametrize("uid", HOSTILE)
def test_a_hostile_uid_names_a_folder_below_the_output(uid, tmp_path, study):
    series = [
        replace(found, uid=name, number=7) for found, name in zip(find_series(study), (uid, "1.2.3"), strict=True)
    ]
    series.append(replace(series[0], uid="1.2.4", number=8))
    names = [folder_name(each, series) for each in series]
    assert names[1:] == ["series-1.2.3", "series-8"] and len(set(names)) == 3
    assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", names[0]) and ".." not in names[0]
    assert (tmp_path / names[0]).resolve().parent == tmp_path


def test_hostile_uids_of_one_number_have_names_of_their_own(study):
    series = [replace(find_series(study)[0], uid=uid) for uid in HOSTILE]
    assert len({folder_name(each, series).lower() for each in series}) == len(HOSTILE)
