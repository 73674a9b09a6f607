"""The datalist of the phantom: seeds, subjects and the cache."""

import os
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest

from monai_unsup_denoise.data import default_cache_dir, phantom_datalist
from monai_unsup_denoise.data.cache import is_cached
from monai_unsup_denoise.data.phantom import datalist, template
from monai_unsup_denoise.data.phantom.acquisition import largest
from monai_unsup_denoise.data.phantom.anatomy import draw_anatomy
from monai_unsup_denoise.data.phantom.contrast import GREY, WHITE
from monai_unsup_denoise.data.phantom.template import load_template
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import MissingExtraError
from tests.data.phantom_items import find, read


def test_scan_depends_on_seed_subject_and_contrast_only(phantoms, tmp_path, phantom_cache):
    os.link(phantom_cache / "template_v1_4mm.npz", tmp_path / "template_v1_4mm.npz")
    (again,) = phantom_datalist(tmp_path, [2], contrasts=["PDw"], spacing=4, progress=False)
    for key in ("image", "tissue"):
        assert Path(again[key]).read_bytes() == Path(find(phantoms, 2, "PDw")[key]).read_bytes()
    (other,) = phantom_datalist(tmp_path, [2], contrasts=["PDw"], spacing=4, seed=1, progress=False)
    assert Path(other["image"]).read_bytes() != Path(again["image"]).read_bytes()


def test_another_seed_gives_another_subject(phantoms, phantom_cache):
    (other,) = phantom_datalist(
        phantom_cache, [2], contrasts=["T1w"], spacing=4, seed=1, progress=False
    )  # isotropic in both, so that the number of voxels is the volume
    white = [(read(item["tissue"]) == WHITE).sum() for item in (find(phantoms, 2, "T1w"), other)]
    assert white[0] != white[1]


def test_subjects_differ_in_anatomy(template):
    labels = [largest(draw_anatomy(*template, rng=np.random.default_rng([0, subject]))) for subject in (0, 1)]
    brains = [(label == GREY) | (label == WHITE) for label in labels]
    dice = 2 * (brains[0] & brains[1]).sum() / (brains[0].sum() + brains[1].sum())
    assert 0.6 < dice < 0.95


def test_items_list_every_subject_and_contrast_once(phantoms):
    assert [(item["subject"], item["contrast"]) for item in phantoms] == [
        (subject, contrast) for subject in range(5) for contrast in ("T1w", "PDw", "T2w")
    ]
    assert all(os.path.isfile(item[key]) for item in phantoms for key in ("image", "tissue"))


def test_cache_is_reused(phantoms, phantom_cache, monkeypatch):
    monkeypatch.setattr(datalist, "draw_anatomy", lambda *_, **__: pytest.fail("drawn again"))
    assert phantom_datalist(phantom_cache, 5, spacing=4, progress=False) == phantoms


def test_interrupted_write_leaves_no_file(phantom_cache, phantoms, monkeypatch):
    item = find(phantoms, 0, "T1w")
    whole = Path(item["image"]).read_bytes()
    Path(item["image"]).unlink()

    def interrupted(image, path):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nibabel, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            phantom_datalist(phantom_cache, [0], spacing=4, progress=False)
    assert not Path(item["image"]).exists()
    assert not list(Path(item["image"]).parent.glob(".partial*"))
    phantom_datalist(phantom_cache, [0], spacing=4, progress=False)
    assert Path(item["image"]).read_bytes() == whole


def damages(content: bytes) -> list[bytes]:
    return [b"", content[:100], content[:-1], bytes(len(content)), b"no volume"]


def test_damaged_cache_is_made_again(phantom_cache, phantoms, capsys):
    item = find(phantoms, 0, "PDw")
    files = [Path(item["tissue"]), Path(item["image"])]
    whole = [path.read_bytes() for path in files]
    for path, content in zip(files, whole, strict=True):
        for damaged in damages(content):
            path.write_bytes(damaged)
            assert not is_cached(path)
            said = capsys.readouterr().out
            assert said.startswith(f"{path}: damaged (") and said.endswith("); it is made again\n")
        path.write_bytes(content)
        assert is_cached(path) and capsys.readouterr().out == ""
    files[1].write_bytes(whole[1][:-1])
    assert phantom_datalist(phantom_cache, [0], contrasts=["PDw"], spacing=4, progress=False) == [item]
    assert [path.read_bytes() for path in files] == whole
    assert capsys.readouterr().out.count("\n") == 1


def test_damaged_template_is_made_again(phantoms, phantom_cache, tmp_path, monkeypatch, capsys):
    content = (phantom_cache / "template_v1_4mm.npz").read_bytes()
    path = tmp_path / "template_v1_4mm.npz"
    path.write_bytes(content)
    maps, affine = load_template(tmp_path, spacing=4)
    monkeypatch.setattr(template, "_make", lambda spacing: (maps, affine))
    changed = content[:2000] + bytes([content[2000] ^ 1]) + content[2001:]  # of a voxel: the checksum tells
    for damaged in (*damages(content), changed):
        path.write_bytes(damaged)
        found = load_template(tmp_path, spacing=4)
        assert capsys.readouterr().out.startswith(f"{path}: damaged (")
        np.testing.assert_array_equal(load_template(tmp_path, spacing=4)[0], found[0])
        assert capsys.readouterr().out == ""


def test_default_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MRI_DENOISE_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("MRI_DENOISE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache_dir() == tmp_path / "monai_unsup_denoise"


def test_phantom_without_nilearn_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "nilearn", None)
    with pytest.raises(MissingExtraError, match=r"^nilearn: not installed; .*monai-unsup-denoise\[train\]"):
        phantom_datalist(tmp_path, 1, spacing=4, progress=False)


@pytest.mark.parametrize(
    ("subjects", "contrasts", "message"),
    [(0, ["T1w"], "subjects: 0"), ([-1], ["T1w"], r"subjects: \[-1\]"), (1, ["FLAIR"], "FLAIR.*T1w")],
)
def test_impossible_requests_say_what_to_ask_for(tmp_path, subjects, contrasts, message):
    with pytest.raises(InputError, match=message):
        phantom_datalist(tmp_path, subjects, contrasts=contrasts)
