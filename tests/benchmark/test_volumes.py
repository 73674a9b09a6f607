"""The clean volumes: those that a word names, and those that are refused."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.benchmark.cases import Source, find_sources, load_volume
from monai_unsup_denoise.errors import InputError

SHAPE = (13, 12, 30)


def save(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 700, SHAPE).astype(np.float32)


@pytest.fixture
def scan(tmp_path, values) -> Path:
    return save(tmp_path / "my scan.v2.nii.gz", values)


def names(*words: object) -> list[str]:
    return [source.name for source in find_sources([str(word) for word in words])]


def test_scan_is_named_by_its_stem(scan):
    assert names(scan) == ["my_scan_v2"]


def test_name_can_be_given(scan):
    assert find_sources([f"mine={scan}"]) == [Source("mine", scan)]


def test_folder_is_all_its_scans(tmp_path, values):
    for name in ("b.nii", "a.nii.gz"):
        save(tmp_path / "in" / name, values)
    assert names(tmp_path / "in") == ["a", "b"]


def test_brainweb_files_are_named_by_contrast(tmp_path, values):
    for name in ("t1_icbm_normal_1mm_pn0_rf0.nii", "pd_icbm_normal_1mm_pn0_rf0.nii", "t2_icbm_normal_1mm_pn3_rf0.nii"):
        save(tmp_path / "bw" / name, values)
    assert sorted(names(f"brainweb:{tmp_path}/bw")) == ["brainweb_pdw", "brainweb_t1w"]


def test_phantoms_are_of_a_subject_outside_training(monkeypatch):
    asked = []

    def phantom_datalist(folder, subjects, *, contrasts):
        asked.append(subjects)
        return [{"image": f"{contrast}.nii", "contrast": contrast} for contrast in contrasts]

    monkeypatch.setattr("monai_unsup_denoise.benchmark.cases.phantom_datalist", phantom_datalist)
    assert names("phantom") == ["phantom_t1w", "phantom_pdw", "phantom_t2w"]
    assert names("phantom_pdw") == ["phantom_pdw"]
    assert asked == [[11], [11]]


def test_maximum_of_the_whole_volume_is_one(scan, values):
    values[0, 0, 0] = 1000
    volume = load_volume(Source("x", save(scan, values)), "10-25")
    np.testing.assert_allclose(volume.clean, values / 1000, rtol=1e-6)
    assert volume.clean.dtype == np.float32
    assert (volume.first, volume.last) == (10, 25)


@pytest.mark.parametrize(
    ("slices", "first", "last", "said"),
    [
        ("all", 0, 29, "all"),
        ("3-17", 3, 17, "3-17"),
        ("16", 7, 22, "7-22"),
        ("99", 0, 29, "all"),
        ("0-29", 0, 29, "all"),
    ],
)
def test_slices_are_a_range_or_the_middle_or_all(slices, first, last, said, scan):
    volume = load_volume(Source("x", scan), slices)
    assert (volume.first, volume.last, volume.slices) == (first, last, said)


@pytest.mark.parametrize(
    ("slices", "reason"),
    [
        ("20-30", "no slices 20-30 in a volume of 30"),
        ("9-3", "no slices 9-3"),
        ("0", "--slices 0"),
        ("x", "--slices x"),
    ],
)
def test_missing_slices_are_named(slices, reason, scan):
    with pytest.raises(InputError, match=reason):
        load_volume(Source("x", scan), slices)


BAD = {
    "constant": (lambda v: v * 0 + 5, "all voxels are 5"),
    "zero": (lambda v: v * 0, "all voxels are zero"),
    "too narrow for SSIM": (lambda v: v[:, :10], "13 x 10 x 30 voxels, but SSIM needs 11"),
    "too shallow for SSIM": (lambda v: v[..., :10], "13 x 12 x 10 voxels, but SSIM needs 11"),
    "NaN": (lambda v: np.where(v == v.max(), np.nan, v), "1 voxels are NaN"),
    "2-D": (lambda v: v[..., 0], "2 axes"),
    "4-D": (lambda v: np.stack([v, v], axis=-1), "4 axes"),
}


@pytest.mark.parametrize("kind", BAD)
def test_unsuitable_volume_is_named_with_the_reason(kind, tmp_path, values):
    spoil, reason = BAD[kind]
    path = save(tmp_path / "bad.nii", spoil(values))
    with pytest.raises(InputError, match=reason) as caught:
        load_volume(Source("x", path))
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_file_that_is_no_scan_is_named(tmp_path):
    (tmp_path / "bad.nii").write_text("nothing\n" * 99)
    with pytest.raises(InputError, match="bad.nii: cannot be read as a volume"):
        load_volume(Source("x", tmp_path / "bad.nii"))


def test_few_slices_are_too_few_for_ssim(scan):
    with pytest.raises(InputError, match="13 x 12 x 10 voxels, but SSIM needs 11"):
        load_volume(Source("x", scan), "10")


def test_two_volumes_of_one_name_are_refused(tmp_path, values):
    words = [str(save(tmp_path / folder / "scan.nii", values)) for folder in ("a", "b")]
    with pytest.raises(InputError, match=r"a/scan.nii and .*b/scan.nii would both be named scan; give NAME=PATH"):
        find_sources(words)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("nowhere.nii", "nowhere.nii: no such file"),
        ("x=nowhere.nii", "nowhere.nii: no such file"),
        ("brainweb:nowhere", "nowhere: no such folder"),
        ("phantom_x", "phantom_x: no such file"),
        ("a/b={scan}", "a name has letters, digits"),
        ("x={folder}", "2 volumes for one name"),
    ],
)
def test_word_that_names_no_volume_is_refused(word, reason, tmp_path, scan, values):
    save(tmp_path / "other.nii", values)
    with pytest.raises(InputError, match=reason):
        find_sources([word.format(scan=scan, folder=tmp_path)])
