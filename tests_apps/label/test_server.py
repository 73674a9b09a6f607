"""The server as a process on loopback, asked over HTTP and by MONAI Label's own client."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import nibabel
import numpy as np
import pytest
import requests

from tests_apps.label.scans import APP, MODEL, SECRET


class Server(NamedTuple):
    url: str
    app: Path
    output: Path


@pytest.fixture(scope="module")
def server(studies: Path, clean_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of a copy of the app, without internet and with the default bundle."""
    folder = tmp_path_factory.mktemp("server")
    app = folder / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("model", "logs", "bin", "__pycache__"))
    scans = folder / "studies"
    shutil.copytree(studies, scans, ignore=shutil.ignore_patterns("labels", "*.json", ".lock"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "monailabel.main", "start_server", "--app", app, "--studies", scans]
    command += ["--host", "127.0.0.1", "--port", str(port), "--conf", "clean_dir", clean_dir]
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    environment = {**os.environ, **nowhere, "no_proxy": "127.0.0.1", "OMP_NUM_THREADS": "2"}
    output = folder / "output.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(list(map(str, command)), cwd=folder, env=environment, stdout=file, stderr=file)
    try:
        wait_for(lambda: answers(f"http://127.0.0.1:{port}/info/"), process, output)
        yield Server(f"http://127.0.0.1:{port}", app, output)
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=60).ok
    except requests.ConnectionError:
        return False


def wait_for(condition, process: subprocess.Popen, output: Path, *, seconds: float = 180) -> None:
    """Wait for the condition; fail with the output of the process if it ends or takes too long."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None and time.monotonic() < end, output.read_text()[-3000:]
        time.sleep(0.5)


def test_server_copies_the_installed_bundle(server) -> None:
    models = requests.get(f"{server.url}/info/", timeout=60).json()["models"]
    assert set(models) == {MODEL}
    assert (server.app / "model" / MODEL / "models" / "model.pt").is_file()


def test_http_request_gives_the_voxels_of_mri_denoise(server, read, expected) -> None:
    url = f"{server.url}/infer/{MODEL}"
    answer = requests.post(url, params={"image": "scan_1", "output": "image"}, timeout=120)
    image, (voxels, affine, _) = read(answer.content), expected("scan_1.nii.gz")
    np.testing.assert_allclose(np.asanyarray(image.dataobj), voxels, atol=1e-4 * np.ptp(voxels))
    assert np.array_equal(image.affine, affine.astype(np.float32))


def test_client_of_monai_label_gets_image_and_noise_report(server, tmp_path, expected) -> None:
    from monailabel.client import MONAILabelClient

    path, found = MONAILabelClient(server.url, tmpdir=str(tmp_path)).infer(MODEL, "series.1", {})
    voxels, _, sigma = expected("series.1")
    np.testing.assert_allclose(nibabel.load(path).get_fdata(), voxels, atol=1e-4 * np.ptp(voxels))
    assert found["sigma"] == pytest.approx(sigma, rel=1e-5) and found["varying_noise"] is False


def test_background_training_is_served_afterwards(server) -> None:
    request = {"image": "scan_1", "output": "image"}
    url = f"{server.url}/infer/{MODEL}"
    before = requests.post(url, params=request, timeout=120).content
    tiny = {"max_epochs": 2, "iterations_per_epoch": 1, "batch_size": 1}
    assert requests.post(f"{server.url}/train/{MODEL}", json=tiny, timeout=120).ok
    end = time.monotonic() + 480
    while (task := requests.get(f"{server.url}/train/", timeout=60).json())["status"] in ("SUBMITTED", "RUNNING"):
        assert time.monotonic() < end, task
        time.sleep(1)
    assert task["status"] == "DONE", task
    assert requests.post(url, params=request, timeout=120).content != before


def test_server_output_and_log_hold_no_patient_tag(server) -> None:
    requests.post(f"{server.url}/infer/{MODEL}", params={"image": "series.1"}, timeout=120)
    said = server.output.read_text() + "".join(log.read_text() for log in (server.app / "logs").glob("*.log*"))
    assert "series.1" in said and SECRET not in said
