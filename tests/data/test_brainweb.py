"""BrainWeb volumes: from a folder, from MINC files, and downloaded."""

import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import nibabel
import numpy as np
import pytest
from monai.transforms import LoadImage
from scipy.io import netcdf_file

from monai_unsup_denoise.data import brainweb_datalist
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import MissingExtraError

VOLUME = np.random.default_rng(0).integers(1, 1000, (5, 6, 7)).astype(np.int16)


def write_minc1(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with netcdf_file(path, "w") as file:
        names = ("zspace", "yspace", "xspace")
        for axis, (name, length) in enumerate(zip(names, VOLUME.T.shape, strict=True)):
            file.createDimension(name, length)
            variable = file.createVariable(name, "i4", ())
            variable.step, variable.start, variable.spacing = float(axis + 1), -5.0, b"regular__"
            variable.direction_cosines = np.eye(3)[2 - axis]
        image = file.createVariable("image", "i2", names)
        image.signtype, image.valid_range = b"signed__", np.array([0.0, 1000.0])
        image[:] = VOLUME.T
        for name, value in (("image-max", 1000.0), ("image-min", 0.0)):
            file.createVariable(name, "f8", ()).data[...] = value
    return path


def test_brainweb_folder_lists_noise_free_files_only(tmp_path):
    for name in ("t1_icbm_normal_1mm_pn0_rf0", "t1_icbm_normal_1mm_pn3_rf0", "pd_ai_msles2_1mm_pn0_rf0", "x"):
        nibabel.save(nibabel.Nifti1Image(VOLUME, np.eye(4)), tmp_path / f"{name}.nii.gz")
    found = brainweb_datalist(tmp_path)
    assert [(item["contrast"], Path(item["image"]).name[:2]) for item in found] == [("PDw", "pd"), ("T1w", "t1")]
    assert found[0]["subject"] != found[1]["subject"]
    assert [item["contrast"] for item in brainweb_datalist(tmp_path, contrasts=["T1w"])] == ["T1w"]
    with pytest.raises(InputError, match="no noise-free BrainWeb volume of .'T2w'."):
        brainweb_datalist(tmp_path, contrasts=["T2w"])


def test_brainweb_refuses_a_missing_folder(tmp_path):
    with pytest.raises(InputError, match="gone: no such folder"):
        brainweb_datalist(tmp_path / "gone")


def test_brainweb_minc_is_converted_for_monai(tmp_path, monkeypatch):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path / "cache"))
    path = write_minc1(tmp_path / "files" / "t1_icbm_normal_1mm_pn0_rf0.mnc")
    (item,) = brainweb_datalist(path.parent)
    original = nibabel.load(path)
    loaded = LoadImage()(item["image"])
    np.testing.assert_allclose(loaded.numpy(), original.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(loaded.affine, original.affine)
    assert brainweb_datalist(path.parent) == [item]
    Path(item["image"]).write_bytes(Path(item["image"]).read_bytes()[:-1])
    assert brainweb_datalist(path.parent) == [item]
    np.testing.assert_array_equal(LoadImage()(item["image"]), loaded)
    (path.parent / "t2_icbm.mnc").write_bytes(b"broken")
    with pytest.raises(InputError, match="t2_icbm.mnc: cannot be read as MINC"):
        brainweb_datalist(path.parent)


def test_brainweb_is_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path))
    calls = []

    def get_mri(sub_id, contrast, *, brainweb_dir, with_affine):
        calls.append(contrast)
        return VOLUME.astype(float), np.diag([1.0, 1, 2, 1])

    package = types.SimpleNamespace(get_mri=get_mri, __spec__=ModuleSpec("brainweb_dl", None))
    monkeypatch.setitem(sys.modules, "brainweb_dl", package)
    for _ in range(2):
        items = brainweb_datalist(contrasts=["T1w", "PDw"])
    assert calls == ["T1", "PD"]
    for size in (0, -20):  # empty, and cut
        content = Path(items[1]["image"]).read_bytes()
        Path(items[1]["image"]).write_bytes(content[:size])
        assert brainweb_datalist(contrasts=["T1w", "PDw"]) == items
    assert calls == ["T1", "PD", "PD", "PD"] and [item["contrast"] for item in items] == ["T1w", "PDw"]
    np.testing.assert_array_equal(LoadImage()(items[0]["image"]).numpy(), VOLUME)


def test_brainweb_download_names_the_missing_extra(tmp_path, monkeypatch):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "brainweb_dl", None)
    with pytest.raises(MissingExtraError, match=r"^brainweb_dl: .*monai-unsup-denoise\[brainweb\]"):
        brainweb_datalist()
