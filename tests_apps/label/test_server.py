"""The server as a process on loopback, asked over HTTP and by MONAI Label's own client."""

from __future__ import annotations

import time

import nibabel
import numpy as np
import pytest
import requests

from tests_apps.label.scans import MODEL


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
    tiny = {"max_epochs": 1, "iterations_per_epoch": 1, "batch_size": 1}
    assert requests.post(f"{server.url}/train/{MODEL}", json=tiny, timeout=120).ok
    end = time.monotonic() + 480
    while (task := requests.get(f"{server.url}/train/", timeout=60).json())["status"] in ("SUBMITTED", "RUNNING"):
        assert time.monotonic() < end, task
        time.sleep(1)
    assert task["status"] == "DONE", task
    assert requests.post(url, params=request, timeout=120).content != before
