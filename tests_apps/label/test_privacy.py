"""What the server keeps and logs names nobody, and other users of the machine cannot read it."""

from __future__ import annotations

import json
import logging
import os
import stat
import threading
import time
from pathlib import Path

import pytest
import requests

from tests_apps.label.scans import MODEL, PATIENT, SECRET
from tests_apps.label.server import serve


def test_result_is_readable_for_the_server_alone(client, studies) -> None:
    from monailabel.interfaces.utils.app import app_instance

    before = os.umask(0)
    try:
        path = Path(app_instance().infer({"model": MODEL, "image": "scan_1"})["file"])
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.stat().st_uid == os.getuid()
    path.unlink()


def test_temporary_files_are_private_and_removed(studies, tmp_path) -> None:
    seen: set[tuple[str, int]] = set()

    def watch(folder: Path) -> None:
        while not done.is_set():
            seen.update((path.name, stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir())
            time.sleep(0.01)

    with serve(tmp_path, studies) as server:
        done = threading.Event()
        watcher = threading.Thread(target=watch, args=[server.temporary])
        watcher.start()
        with (studies / "scan_1.nii.gz").open("rb") as file:
            url = f"{server.url}/infer/{MODEL}"
            assert requests.post(url, params={"output": "image"}, files={"file": file}, timeout=120).ok
        done.set()
        watcher.join()
        folder = next(path for path in server.temporary.iterdir() if path.name.startswith("mri-denoise-label-"))
        end = time.monotonic() + 30  # it removes them after it has answered
        while [path for path in folder.iterdir() if path.is_file()]:
            assert time.monotonic() < end
            time.sleep(0.1)
    assert all(mode == 0o700 for name, mode in seen if "nii" in name or name.startswith("mri-denoise")) and seen
    assert not [name for name, _ in seen if name.endswith(".nii.gz")]
    assert not folder.exists()  # after SIGTERM


def test_log_names_no_patient_file_or_tag(server) -> None:
    url = f"{server.url}/infer/{MODEL}"
    for image in (PATIENT, "series.1", f"{PATIENT} unknown"):
        requests.post(url, params={"image": image, "output": "json"}, timeout=120)
    bad = server.studies / f"{PATIENT} bad.nii.gz"
    bad.write_bytes(b"no image")
    end = time.monotonic() + 30
    while bad.name[:-7] not in requests.get(f"{server.url}/datastore/?output=all", timeout=60).text:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert requests.post(url, params={"image": bad.name[:-7]}, timeout=120).status_code == 422
    first = next(path for path in (server.studies / "series.1").iterdir() if path.name.startswith(PATIENT))
    whole = first.read_bytes()
    first.write_bytes(b"")
    assert requests.post(url, params={"image": "series.1"}, timeout=120).status_code == 422
    batch = f"{server.url}/batch/infer/{MODEL}"
    assert requests.post(batch, json={}, timeout=60).ok
    while (task := requests.get(f"{server.url}/batch/infer", timeout=60).json())["status"] in ("SUBMITTED", "RUNNING"):
        time.sleep(0.5)
    assert task["status"] == "DONE"
    with (server.studies / "scan_1.nii.gz").open("rb") as file:
        named = (f"{PATIENT}.nii.gz", file)
        requests.post(url, files={"file": named}, timeout=120)
        file.seek(0)
        requests.put(
            f"{server.url}/datastore/image", params={"image": f"{PATIENT} 3"}, files={"file": named}, timeout=60
        )
        file.seek(0)
        requests.put(f"{server.url}/session/", files={"files": named}, timeout=60)
    requests.post(f"{server.url}/activelearning/random", timeout=60)
    requests.delete(f"{server.url}/datastore/image", params={"id": f"{PATIENT} 3"}, timeout=60)
    first.write_bytes(whole)
    bad.unlink()
    said = server.said()
    assert "cannot be denoised: " in said and "scan " in said and "denoised" in said
    lines = [line for line in said.splitlines() if any(name in line for name in ("DOE", "1970", "series.1", SECRET))]
    assert not lines


def test_log_of_an_exception_keeps_kind_and_place(client, caplog) -> None:
    try:
        json.loads(PATIENT)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("failed %s %d", "scan_1", 3)
    line = logging.Formatter().format(caplog.records[-1])
    assert "JSONDecodeError" in line and "json/__init__.py" in line
    assert PATIENT not in line and "scan_1" not in line and "failed scan " in line and line.count(" 3") >= 1


@pytest.mark.parametrize("text", ["epoch 1/14 took 2 s", "Uvicorn running on http://127.0.0.1:8000"])
def test_line_without_a_name_is_logged_as_it_is(client, caplog, text) -> None:
    logging.getLogger("task_train").warning(text)
    assert caplog.records[-1].getMessage() == text
