"""What cannot be denoised ends in one line that names it, an exit code, and no output."""

import gzip
import json
import stat
from collections.abc import Callable
from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.inference import Denoiser


def save(path: Path, values: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), path)
    return path


def cut(path: Path) -> Path:
    """Half of a good file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def changed(volume: np.ndarray, value: float) -> np.ndarray:
    volume = volume.copy()
    volume[5, 5, 2] = value
    return volume


def write_itk(path: Path, values: np.ndarray) -> Path:
    itk.imwrite(itk.image_from_array(np.ascontiguousarray(values), is_vector=values.ndim == 4), str(path))
    return path


def colour(volume: np.ndarray) -> np.ndarray:
    return np.zeros(volume.shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])


def text(path: Path) -> Path:
    path.write_text("not an image at all\n" * 99)
    return path


def half(path: Path, volume: np.ndarray) -> Path:
    nibabel.save(nibabel.Nifti1Pair(volume, np.eye(4)), path)
    path.with_suffix(".hdr").unlink()
    return path


def emptied(path: Path) -> Path:
    path.touch()
    return path


def truncated_gzip_stream(path: Path, volume: np.ndarray) -> Path:
    """A whole gzip file around half a NIfTI file."""
    whole = save(path.with_name("whole.nii"), volume).read_bytes()
    path.write_bytes(gzip.compress(whole[: len(whole) // 2]))
    path.with_name("whole.nii").unlink()
    return path


Maker = Callable[[Path, np.ndarray], Path]
BAD: dict[str, tuple[str, Maker]] = {
    "missing": ("no such file", lambda at, v: at / "bad.nii.gz"),
    "truncated gz": ("damaged, incomplete", lambda at, v: cut(save(at / "bad.nii.gz", v))),
    "gz of a truncated file": (
        "damaged, incomplete",
        lambda at, v: truncated_gzip_stream(at / "bad.nii.gz", v),
    ),
    "truncated nii": ("damaged, incomplete", lambda at, v: cut(save(at / "bad.nii", v))),
    "truncated mha": ("damaged, incomplete", lambda at, v: cut(write_itk(at / "bad.mha", v.T))),
    "truncated nrrd": ("damaged, incomplete", lambda at, v: cut(write_itk(at / "bad.nrrd", v.T))),
    "empty file": ("damaged, incomplete", lambda at, v: emptied(at / "bad.nii")),
    "text named nii": ("damaged, incomplete", lambda at, v: text(at / "bad.nii")),
    "text named nii.gz": ("damaged, incomplete", lambda at, v: text(at / "bad.nii.gz")),
    "text named mha": ("damaged, incomplete", lambda at, v: text(at / "bad.mha")),
    "text named nrrd": ("damaged, incomplete", lambda at, v: text(at / "bad.nrrd")),
    "text named mnc": ("damaged, incomplete", lambda at, v: text(at / "bad.mnc")),
    "text named dcm": ("no DICOM file, or damaged", lambda at, v: text(at / "bad.dcm")),
    "not an image": ("unknown kind of file", lambda at, v: text(at / "bad.txt")),
    "2-D": ("2 axes", lambda at, v: save(at / "bad.nii", v[..., 0])),
    "vectors": ("5 axes", lambda at, v: save(at / "bad.nii", np.stack([v, v, v], axis=-1)[:, :, :, None])),
    "RGB": ("colour voxels", lambda at, v: save(at / "bad.nii", colour(v))),
    "RGB mha": ("colour voxels", lambda at, v: write_itk(at / "bad.mha", np.zeros((*v.T.shape, 3), "u1"))),
    "complex": ("complex voxels", lambda at, v: save(at / "bad.nii", v.astype(np.complex64))),
    "NaN": ("1 voxels are NaN", lambda at, v: save(at / "bad.nii", changed(v, np.nan))),
    "infinite": ("1 voxels are NaN or infinite", lambda at, v: save(at / "bad.nii", changed(v, np.inf))),
    "far too bright": ("not finite", lambda at, v: save(at / "bad.nii", changed(v, 3e38))),
    "all zero": ("all voxels are zero", lambda at, v: save(at / "bad.nii", v * 0)),
    "negative": ("negative values", lambda at, v: save(at / "bad.nii", changed(v, -3))),
    "four columns": ("fewer voxels", lambda at, v: save(at / "bad.nii", v[:4])),
    "two short axes": ("fewer voxels", lambda at, v: save(at / "bad.nii", v[:, :15])),
    "half a pair": ("its header bad.hdr is missing", lambda at, v: half(at / "bad.img", v)),
    "text named mgz": ("damaged, incomplete", lambda at, v: text(at / "bad.mgz")),
    "MP2RAGE ratio": ("its noise is not Rician", lambda at, v: save(at / "bad_UNIT1.nii", v)),
}


SLOW = {"RGB mha"}  # ITK lists all it can read before it says no


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=[pytest.mark.slow] if kind in SLOW else []) for kind in BAD])
def test_a_bad_scan_is_named_with_the_reason(kind, tmp_path, volume, identity, mri_denoise):
    reason, make = BAD[kind]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in", volume)
    outcome = mri_denoise("denoise", path, tmp_path / "out" / "scan.nii.gz", "--model", identity)
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: {path}") and reason in outcome.err
    assert outcome.err.count("\n") == 1 and outcome.out == ""
    assert not (tmp_path / "out").exists()


def clippable(volume: np.ndarray, path: Path) -> Path:
    volume = volume.copy()
    volume[:2], volume[3, 3:5, 3] = np.nan, -0.01
    return save(path, volume)


def test_clipped_voxels_are_counted_by_every_command(tmp_path, volume, identity, mri_denoise):
    count = 2 * 17 * 6 + 2
    scan = clippable(volume, tmp_path / "T1.nii")
    options = ("--model", identity, "--no-refine")
    refused = mri_denoise("denoise", scan, tmp_path / "out.nii", *options)
    assert refused.code == 1 and "to 0 with --nonpositive clip" in refused.err
    done = mri_denoise("denoise", scan, tmp_path / "out.nii", *options, "--nonpositive", "clip")
    assert done.code == 0 and f", {count} negative or NaN voxels set to 0" in done.out
    assert json.loads((tmp_path / "out.json").read_text())["clipped_voxels"] == count
    expected = np.nan_to_num(nibabel.load(scan).get_fdata()).clip(min=0)
    np.testing.assert_allclose(nibabel.load(tmp_path / "out.nii").get_fdata(), expected, atol=0.1)

    anat = tmp_path / "data" / "sub-01" / "anat"
    anat.mkdir(parents=True)
    (tmp_path / "data" / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.10.0"}')
    clippable(volume, anat / "sub-01_T1w.nii")
    bids = ("bids", tmp_path / "data", tmp_path / "bids", "participant", *options)
    assert mri_denoise(*bids).code == 1
    done = mri_denoise(*bids, "--nonpositive", "clip")
    assert done.code == 0 and f", {count} negative or NaN voxels set to 0" in done.out
    assert f'"ClippedVoxels": {count}' in next((tmp_path / "bids" / "sub-01").rglob("*.json")).read_text()


def test_clip_is_a_key_of_the_bundle(tmp_path, volume, identity, bundle):
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    clippable(volume, tmp_path / "T1.nii")
    for key, value in {
        "model_path": str(identity),
        "dataset_dir": str(tmp_path),
        "output_dir": str(tmp_path / "out"),
        "refine": False,
        "nonpositive": "clip",
    }.items():
        parser[key] = value
    parser.get_parsed_content("evaluator").run()
    assert json.loads((tmp_path / "out" / "T1_denoised.json").read_text())["clipped_voxels"] == 206
    report = Denoiser.from_bundle(model=identity, settings={"nonpositive": "clip"}).denoise(tmp_path / "T1.nii")
    assert report.clipped_voxels == report.noise_report()["clipped_voxels"] == 206


def test_masked_background_has_no_floor_to_keep(tmp_path, volume, identity, mri_denoise):
    volume[:5] = 0
    save(tmp_path / "in.nii", volume)
    options = ("--no-refine", "--keep-floor", "--model", identity)
    assert mri_denoise("denoise", tmp_path / "in.nii", tmp_path / "out.nii", *options).code == 0
    out = nibabel.load(tmp_path / "out.nii").get_fdata()
    assert np.abs(out[:5]).max() < 1 and np.median(out[6:][volume[6:] < 60]) > 30


def test_an_empty_folder_is_named(tmp_path, identity, mri_denoise):
    (tmp_path / "empty").mkdir()
    outcome = mri_denoise("denoise", tmp_path / "empty", tmp_path / "out", "--model", identity)
    assert outcome.code == 1 and outcome.err.startswith(f"error: {tmp_path}/empty: no volume in this folder")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["missing", "damaged", "of another network", "not finite"])
def test_bad_weights_are_named(kind, scan, tmp_path, identity, mri_denoise):
    weights = tmp_path / "weights.pt"
    if kind == "damaged":
        weights.write_bytes(b"no weights")
    elif kind == "of another network":
        torch.save(torch.nn.Conv2d(1, 1, 3).state_dict(), weights)
    elif kind == "not finite":
        state = torch.load(identity)
        state["generator.head.weight"][0] = torch.nan
        torch.save(state, weights)
    outcome = mri_denoise("denoise", scan, tmp_path / "out.nii.gz", "--model", weights)
    assert outcome.code == 1 and outcome.err.startswith(f"error: {weights}: ") and outcome.err.count("\n") == 1
    assert not (tmp_path / "out.nii.gz").exists()


def test_a_bundle_that_is_none_is_named(scan, tmp_path, mri_denoise):
    outcome = mri_denoise("denoise", scan, tmp_path / "out.nii.gz", "--bundle", tmp_path)
    assert outcome.code == 1 and f"error: {tmp_path}/configs/inference.json: no such file" in outcome.err


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_named(device, scan, tmp_path, identity, mri_denoise):
    outcome = mri_denoise("denoise", scan, tmp_path / "o.nii", "--model", identity, "--device", device)
    assert outcome.code == 1
    assert outcome.err.startswith(f"error: device '{device}': not on this machine") and outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("in/scan.nii.gz", "is the input itself"),
        ("in/there.nii.gz", "exists already; add --overwrite"),
        ("in/told.nii.gz", "told.json: exists already and is not of mri-denoise; give another output"),
        ("in/there.nii.gz/new.nii.gz", "is not a folder"),
        ("new.mha", "not a format this scan is written in"),
        ("new.png", "not a format this scan is written in"),
    ],
)
def test_an_impossible_output_is_named_and_nothing_is_touched(output, reason, scan, tmp_path, identity, mri_denoise):
    (scan.parent / "there.nii.gz").write_text("kept")
    (scan.parent / "told.json").write_text("kept")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    outcome = mri_denoise("denoise", scan, tmp_path / output, "--model", identity)
    assert outcome.code == 1 and reason in outcome.err and outcome.err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_be_written_in_is_named(scan, tmp_path, identity, mri_denoise, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    # Root may write anywhere; what the system would tell another user:
    monkeypatch.setattr("os.access", lambda path, mode: path != locked)
    outcome = mri_denoise("denoise", scan, locked / "out.nii.gz", "--model", identity)
    assert outcome.code == 1 and f"no permission in {locked}" in outcome.err
    assert not list(locked.iterdir())
