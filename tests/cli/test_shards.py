"""`--shard I/N`: the shards of a folder or dataset are all of its scans, each once."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from tests.cli.conftest import Outcome, magnitudes

SCANS = [f"scan{number}.nii.gz" for number in range(5)]


def write_scans(folder: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(magnitudes() + number, np.eye(4)), path)
    return folder


def images(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.nii.gz")}


def test_shards_of_a_folder_are_all_of_it_once(
    tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    scans = write_scans(tmp_path / "in", SCANS)
    found = []
    for shard in ("1/3", "2/3", "3/3"):
        folder = tmp_path / shard.replace("/", "_")
        assert mri_denoise("denoise", scans, folder, "--model", identity, "--shard", shard).code == 0
        found.append(images(folder))
    assert found == [set(SCANS[first::3]) for first in range(3)]


def test_shard_without_a_scan_is_no_failure(
    tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    scans = write_scans(tmp_path / "in", SCANS[:1])
    assert mri_denoise("denoise", scans, tmp_path / "out", "--model", identity, "--shard", "2/2").code == 0
    assert images(tmp_path / "out") == set()


def test_outputs_of_one_name_are_refused_in_every_shard(
    tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    scans = write_scans(tmp_path / "in", ["a.nii", "a.nii.gz"])
    for shard in ("1/2", "2/2"):
        outcome = mri_denoise("denoise", scans, tmp_path / "out", "--model", identity, "--shard", shard)
        assert outcome.code == 1 and images(tmp_path / "out") == set(), outcome


def test_shards_of_a_dataset_share_a_derivative(
    tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    names = [f"sub-0{number}/anat/sub-0{number}_T1w.nii.gz" for number in (1, 2, 3)]
    dataset = write_scans(tmp_path / "dataset", names)
    (dataset / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    for shard, count in (("2/2", 1), ("1/2", 3)):
        words = ("bids", dataset, tmp_path / "out", "participant", "--model", identity, "--shard", shard)
        assert mri_denoise(*words).code == 0
        assert len(images(tmp_path / "out")) == count
    index = (tmp_path / "out" / "index.html").read_text()
    assert all(f"sub-0{number}_" in index for number in (1, 2, 3))  # of what all shards have written


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "a/b", "1/2/3", "-1/2"])
def test_impossible_shard_is_refused(
    shard: str, tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    scans = write_scans(tmp_path / "in", SCANS[:1])
    outcome = mri_denoise("denoise", scans, tmp_path / "out", "--model", identity, f"--shard={shard}")
    assert outcome.code != 0 and f"--shard {shard}: give I/N, I from 1 to N" in outcome.err


def test_shard_of_one_scan_is_refused(tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]) -> None:
    scans = write_scans(tmp_path / "in", SCANS[:1])
    outcome = mri_denoise("denoise", scans / SCANS[0], tmp_path / "x.nii.gz", "--model", identity, "--shard", "1/2")
    assert outcome.code != 0 and "leave it out for one scan" in outcome.err
