"""No id, tag, file name, session or path of a request reaches anything outside the folder of studies."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from tests_apps.label.scans import MODEL, head, save

INFER = f"/infer/{MODEL}"
BAD = ["../x", "../../x", "..", "a/../../x", "/tmp/x", "a/b", "a\\b", "a\0b", "a\nb", ".lock", "n" * 300, "."]
BAD_NAMES = [ascii(name)[:20] for name in BAD]


@pytest.fixture
def around(studies: Path):
    """All that lies in and beside the studies; the test must not change it."""

    def look() -> dict[str, bytes]:
        files = (path for path in studies.parent.rglob("*") if path.is_file() and studies.parent in path.parents)
        return {str(path): path.read_bytes() for path in files if path.name not in ("datastore_v2.json", ".lock")}

    before = look()
    yield
    assert look() == before


@pytest.fixture
def scan(studies: Path):
    return {"file": ("x.nii.gz", (studies / "scan_1.nii.gz").read_bytes())}


def refused(answer, *, status=(404, 422)) -> str:
    assert answer.status_code in status, answer.text
    return answer.json()["detail"]


@pytest.mark.parametrize("name", BAD, ids=BAD_NAMES)
def test_image_cannot_be_put_under_a_path(client, around, scan, name) -> None:
    assert "cannot be a name" in refused(client.put("/datastore/image", params={"image": name}, files=scan))
    assert "cannot be a name" in refused(client.put("/datastore/", params={"image": name}, files=scan))


@pytest.mark.parametrize("file", ["x.sh", "x", "x.json", "datastore_v2.json", "x.nii.gz.sh"])
def test_file_that_is_no_volume_cannot_be_put(client, around, file) -> None:
    refused(client.put("/datastore/image", params={"image": "datastore_v2"}, files={"file": (file, b"#!/bin/sh")}))
    label = {"label": (file, b"#!/bin/sh")}
    refused(client.put("/datastore/label", params={"image": "scan_1", "tag": "final"}, files=label))


@pytest.mark.parametrize("name", BAD, ids=BAD_NAMES)
def test_tag_cannot_be_a_path(client, around, scan, name) -> None:
    label = {"label": scan["file"]}
    refused(client.put("/datastore/label", params={"image": "scan_1", "tag": name}, files=label))
    refused(client.delete("/datastore/label", params={"id": "scan_2", "tag": name}))
    assert client.get("/datastore/label", params={"label": "scan_2", "tag": name}).status_code == 404
    asked = {"params": json.dumps({"save_label": True, "label_tag": name})}
    assert "label_tag" in refused(client.post(INFER, params={"image": "scan_1"}, data=asked))


@pytest.mark.parametrize("name", [*BAD, "scan_99"], ids=[*BAD_NAMES, "unknown"])
def test_id_of_no_image_reaches_nothing(client, around, scan, name) -> None:
    refused(client.delete("/datastore/image", params={"id": name}))
    refused(client.delete("/datastore/label", params={"id": name, "tag": "final"}))
    refused(client.put("/datastore/label", params={"image": name}, files={"label": scan["file"]}))
    assert client.get("/datastore/image", params={"image": name}).status_code == 404
    assert client.get("/datastore/label", params={"label": name, "tag": "final"}).status_code == 404
    assert "path" not in client.get("/datastore/image/info", params={"image": name}).json()
    refused(client.post(INFER, params={"image": name}))
    refused(client.post(f"/infer/wsi/{MODEL}", params={"image": name}, json={}))


@pytest.mark.parametrize("door", [INFER, f"/infer/wsi/{MODEL}", f"/infer/wsi_v2/{MODEL}"])
def test_scan_outside_the_studies_is_not_read(client, tmp_path, studies, door, monkeypatch) -> None:
    outside = save(tmp_path / "secret.nii.gz", head(1))
    monkeypatch.chdir(tmp_path)
    (studies / "link.nii.gz").symlink_to(outside)
    for image in (outside, "secret.nii.gz", studies / ".." / outside.relative_to("/"), studies / "link.nii.gz", "/"):
        asked = {"json": {}} if "wsi/" in door else {}
        assert "no such image" in refused(client.post(door, params={"image": str(image)}, **asked))
        asked = {"params": json.dumps({"image": str(image)})}
        assert door != INFER or "no such image" in refused(client.post(door, params={"image": "scan_1"}, data=asked))
    (studies / "link.nii.gz").unlink()


@pytest.mark.parametrize("image", [["scan_1"], {"a": 1}, 7, None, True])
def test_image_that_is_no_text_gets_404(client, image) -> None:
    refused(client.post(INFER, params={"image": "scan_1"}, data={"params": json.dumps({"image": image})}))


def test_batch_reads_nothing_outside_the_studies(client, tmp_path) -> None:
    outside = str(save(tmp_path / "secret.nii.gz", head(1)))
    run = {"params": {"run_sync": True}, "json": {"images": [outside, "../x"], "multi_gpu": False}}
    done = client.post(f"/batch/infer/{MODEL}", **run).json()
    assert all("no such image" in done[image]["error"] for image in (outside, "../x"))


@pytest.fixture
def linked(client, studies, tmp_path):
    """A link to a scan elsewhere, which is an image, and a tag that is a link to a folder elsewhere."""
    from monailabel.interfaces.utils.app import app_instance

    outside = save(tmp_path / "outside.nii.gz", head(5))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    save(elsewhere / "scan_1.nii.gz", head(6))
    links = {studies / "linked.nii.gz": outside, studies / "labels" / "elsewhere": elsewhere}
    for link, target in links.items():
        link.symlink_to(target)
    app_instance().datastore().refresh()
    before = outside.read_bytes()
    yield outside
    assert outside.read_bytes() == before
    assert [path.name for path in elsewhere.iterdir()] == ["scan_1.nii.gz"]
    for link in links:
        link.unlink()
    app_instance().datastore().refresh()


def test_link_of_the_owner_is_read_and_never_changed(client, linked, scan) -> None:
    answer = client.get("/datastore/image", params={"image": "linked"})
    assert answer.content == linked.read_bytes()
    assert "behind a link" in refused(client.put("/datastore/image", params={"image": "linked"}, files=scan))
    assert "behind a link" in refused(client.delete("/datastore/image", params={"id": "linked"}))
    label, there = {"label": scan["file"]}, {"image": "scan_1", "tag": "elsewhere"}
    assert "behind a link" in refused(client.put("/datastore/label", params=there, files=label))
    assert "behind a link" in refused(client.delete("/datastore/label", params={"id": "scan_1", "tag": "elsewhere"}))
    assert "behind a link" in refused(client.delete("/datastore/image", params={"id": "scan_1"}))


def test_image_and_label_are_put_and_removed(client, studies, scan) -> None:
    assert client.put("/datastore/image", params={"image": "new one"}, files=scan).json() == {"image": "new one"}
    label = {"label": scan["file"]}
    assert client.put("/datastore/label", params={"image": "new one", "tag": "my tag"}, files=label).status_code == 200
    place = studies / "labels" / "my tag" / "new one.nii.gz"
    assert stat.S_IMODE(place.stat().st_mode) == stat.S_IMODE((studies / "datastore_v2.json").stat().st_mode)
    assert client.delete("/datastore/label", params={"id": "new one", "tag": "my tag"}).status_code == 200
    assert (studies / "new one.nii.gz").is_file() and not place.exists()
    assert client.delete("/datastore/image", params={"id": "new one"}).status_code == 200
    assert not (studies / "new one.nii.gz").exists()
    place.parent.rmdir()


def test_paths_in_a_datastore_file_are_left_out(client, tmp_path) -> None:
    from lib.studies import Studies

    outside = save(tmp_path / "outside.nii.gz", head(1))
    kept = save(tmp_path / "studies" / "scan.nii.gz", head(1))
    save(tmp_path / "studies" / "labels" / "final" / "scan.nii.gz", head(1))
    label = {"ext": ".nii.gz", "info": {}}
    evil = {"image": {"ext": ".nii.gz"}, "labels": {"../..": label, "final": label}}
    objects = {"../outside": evil, "scan": evil, "a": {"image": {"ext": "/../../outside.nii.gz"}}}
    (kept.parent / "datastore_v2.json").write_text(json.dumps({"name": "", "description": "", "objects": objects}))
    found = Studies(str(kept.parent)).json()["objects"]
    assert set(found) == {"scan"} and set(found["scan"]["labels"]) == {"final"} and outside.exists()


@pytest.fixture
def sessions(client, tmp_path):
    """The sessions of the app, for this test in a folder of its own."""
    from lib.sessions import NamedSessions
    from monailabel.interfaces.utils.app import app_instance

    app = app_instance()
    app._sessions = NamedSessions(str(tmp_path / "store" / "sessions"))
    yield tmp_path / "store" / "sessions"
    app._sessions = None


def test_uploaded_session_is_denoised_and_private(client, sessions, scan) -> None:
    session = client.put("/session/", files=[("files", scan["file"])]).json()["session_id"]
    assert stat.S_IMODE(sessions.stat().st_mode) == 0o700
    answer = client.post(INFER, params={"session_id": session, "output": "json"})
    assert answer.status_code == 200 and answer.json()["sigma"] > 0
    assert client.delete(f"/session/{session}").status_code == 200
    assert not list(sessions.iterdir())


@pytest.mark.parametrize("name", ["..", "../victim", "/x", "a\0b"])
def test_session_id_cannot_be_a_path(client, sessions, name) -> None:
    from monailabel.interfaces.utils.app import app_instance

    victim = sessions.parent / "victim"
    victim.mkdir()
    info = json.dumps({"image": str(sessions), "path": str(victim)})  # what a session has; its image is there, or gone
    for folder, text in ((victim, info), (sessions.parent, info.replace("/", "/gone"))):
        (folder / "meta.info").write_text(text)
    assert app_instance().sessions().get_session(name) is None
    refused(client.post(INFER, params={"session_id": name}))
    by_path = name.replace("/", "%2F").replace("\0", "%00").replace("..", "%2E%2E")
    refused(client.delete(f"/session/{by_path}"), status=(404, 405))
    assert (victim / "meta.info").read_text() == info and sessions.exists()


@pytest.mark.parametrize("name", ["..", "a/..", "../../x", "/tmp/x.nii.gz", "meta.info"])
def test_file_of_a_session_stays_in_it(client, sessions, scan, name) -> None:
    before = sorted(os.listdir(sessions.parent))
    client.put("/session/", files=[("files", (name, scan["file"][1])), ("files", scan["file"])])
    assert sorted(os.listdir(sessions.parent)) == before and not Path("/tmp/x.nii.gz").exists()


@pytest.mark.parametrize("member", ["../../../evil.nii.gz", "/tmp/evil_member.nii.gz", "link"])
def test_archive_of_a_session_unpacks_below_it(client, sessions, member) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        item = tarfile.TarInfo(member)
        if member == "link":
            item.type, item.linkname = tarfile.SYMTYPE, "/etc"
        tar.addfile(item)
    answer = client.put("/session/", params={"uncompress": True}, files=[("files", ("a.tar", archive.getvalue()))])
    assert answer.status_code == 422 or member.startswith("/")  # the leading slash is dropped
    assert not list(sessions.parent.parent.glob("**/evil.nii.gz")) and not Path("/tmp/evil_member.nii.gz").exists()
    assert not [path for path in sessions.rglob("*") if path.is_symlink()]


@pytest.mark.parametrize("name", ["../x.pt", "/tmp/x.pt", "..", "a/../model.pt", "x.pt", "a\0b", 7, ["../model.pt"]])
def test_weights_outside_the_models_are_refused(client, bundle, name) -> None:
    (bundle / "x.pt").write_bytes((bundle / "models" / "model.pt").read_bytes())
    asked = {"params": json.dumps({"model_filename": name})}
    assert "none of the weights here" in refused(client.post(INFER, params={"image": "scan_1"}, data=asked))
    (bundle / "x.pt").unlink()


def test_listed_weights_are_taken(client) -> None:
    for name in ("model.pt", ["model.pt"], [], None, ""):
        asked = {"params": json.dumps({"model_filename": name})}
        assert client.post(INFER, params={"image": "scan_1", "output": "json"}, data=asked).status_code == 200
