"""Datalists of a training, from phantoms, folders and BrainWeb."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.data import evaluation_datalist, training_datalists


def volume(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.ones((8, 8, 8), np.float32), np.eye(4)), path)
    return str(path)


def subjects(items: list[dict]) -> set:
    return {item["subject"] for item in items}


def test_phantom_sets_share_no_subject(phantom_cache: Path) -> None:
    lists = training_datalists(
        phantom_cache, noisy_subjects=[0], clean_subjects=[1], validation_subjects=[2], contrasts=["T1w"], spacing=4
    )
    assert [subjects(lists[key]) for key in ("noisy", "clean", "validation")] == [{0}, {1}, {2}]


def test_evaluation_list_has_every_volume_at_every_level(phantom_cache: Path) -> None:
    items = evaluation_datalist(phantom_cache, subjects=[2], contrasts=["T1w", "PDw"], spacing=4, levels=[5, 30])
    assert [item["level"] for item in items] == [5, 30, 5, 30]
    assert all(item["image"] == item["label"] for item in items)


def test_own_clean_volumes_are_held_out_by_subject(tmp_path: Path) -> None:
    noisy = volume(tmp_path / "noisy" / "a.nii")
    for subject in ("01", "02", "03"):
        volume(tmp_path / "clean" / f"sub-{subject}_T1w.nii")
        volume(tmp_path / "clean" / f"sub-{subject}_T2w.nii")
    lists = training_datalists(None, noisy_dir=tmp_path / "noisy", clean_dir=tmp_path / "clean", levels=[10])
    names = {key: {Path(item["image"]).name[:6] for item in lists[key]} for key in ("clean", "validation")}
    assert lists["noisy"] == [{"image": noisy}]
    assert len(names["clean"]) == 2 and len(names["validation"]) == 1
    assert not names["clean"] & names["validation"]


def test_single_subject_is_used_for_training_and_validation(tmp_path: Path) -> None:
    volume(tmp_path / "clean" / "sub-01_T1w.nii")
    volume(tmp_path / "clean" / "sub-01_T2w.nii")
    lists = training_datalists(None, noisy_dir=tmp_path / "clean", clean_dir=tmp_path / "clean", levels=[10])
    assert len(lists["clean"]) == len(lists["validation"]) == 2


@pytest.mark.parametrize("source", ["brainweb:{folder}", "{folder}/brainweb:{folder}"])
def test_brainweb_prefix_names_a_folder(source: str, tmp_path: Path) -> None:
    clean = volume(tmp_path / "files" / "t1_icbm_normal_1mm_pn0_rf0.nii")
    volume(tmp_path / "files" / "t1_icbm_normal_1mm_pn3_rf0.nii")
    items = evaluation_datalist(None, clean_dir=source.format(folder=tmp_path / "files"), levels=[10])
    assert [item["image"] for item in items] == [clean]
