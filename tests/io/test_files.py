"""What is written is on the disk before it has its name, and an interruption leaves what was there."""

import os
from pathlib import Path

import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_folder, atomic_group, atomic_write, check_writable, write_json


@pytest.fixture
def calls(monkeypatch) -> list[tuple[str, int]]:
    """The inodes that were synced to the disk or renamed, in order; the calls are made."""
    seen = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(("sync", os.fstat(handle).st_ino)), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(("rename", os.stat(a).st_ino)), replace(a, b)))
    return seen


def test_file_is_on_the_disk_before_it_is_renamed(calls, tmp_path):
    write_json(tmp_path / "a.json", {"x": 1})
    written, folder = ((tmp_path / name).stat().st_ino for name in ("a.json", ""))
    assert calls == [("sync", written), ("rename", written), ("sync", folder)]


def test_files_of_a_folder_are_on_the_disk_before_it_is_renamed(calls, tmp_path):
    with atomic_folder(tmp_path / "a") as partial:
        (partial / "1.dcm").write_bytes(b"x")
        (partial / "2.dcm").write_bytes(b"y")
    files = {("sync", path.stat().st_ino) for path in ((tmp_path / "a"), *(tmp_path / "a").iterdir())}
    renamed = calls.index(("rename", (tmp_path / "a").stat().st_ino))
    assert set(calls[:renamed]) > files and calls[-1] == ("sync", tmp_path.stat().st_ino)


@pytest.mark.parametrize("folder", [".", "..", "b/.."])
def test_folder_without_a_name_is_replaced(folder, tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    with atomic_folder(Path(folder) if folder != "b/.." else inner / "..") as partial:
        (partial / "new").touch()
    assert [path.name for path in (inner if folder == "." else tmp_path / "a").iterdir()] == ["new"]


def test_longest_name_is_written_and_a_longer_one_refused(tmp_path):
    longest = tmp_path / ("a" * 250 + ".json")
    check_writable(longest)
    write_json(longest, {})
    with atomic_folder(tmp_path / ("b" * 255)):
        pass
    for path in (longest.with_name("a" + longest.name), tmp_path / ("b" * 256) / "x.nii"):
        with pytest.raises(InputError, match="no possible name of a file .*; give a shorter one"):
            check_writable(path)


def test_failing_block_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_write(tmp_path / "a.nii.gz") as partial:
        assert partial.name.endswith(".nii.gz")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_error_names_the_final_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in (Path("x.nii"), Path("out/x.nii"), tmp_path / "x.nii"):
        with pytest.raises(InputError, match=f"^{path}: no$"), atomic_group(path) as place:
            raise InputError(f"{place}: no")
        (place.parents[2] / "x.nii").mkdir()
        with (
            pytest.raises(InputError, match=f"^{path}: cannot be written .Is a directory.; "),
            atomic_group(path) as place,
        ):
            place.touch()
        assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []
        (path).rmdir()


def test_number_that_json_lacks_is_not_written(tmp_path):
    with pytest.raises(InputError, match="a.json: cannot be written, a number is NaN or infinite; check the input$"):
        write_json(tmp_path / "a.json", {"sigma": float("nan")})
    assert not list(tmp_path.iterdir())


def test_file_has_the_permissions_of_a_new_file(tmp_path):
    (tmp_path / "plain").touch()
    write_json(tmp_path / "a.json", {})
    assert (tmp_path / "a.json").stat().st_mode == (tmp_path / "plain").stat().st_mode
