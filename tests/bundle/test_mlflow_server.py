"""Trainings tracked by a real MLflow server: what it gets, what it never gets, and what an outage costs."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mlflow
import nibabel
import numpy as np
import pytest
from mlflow import MlflowClient

from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.tracking.registration import register_weights

MLFLOW = [sys.executable, "-m", "mlflow"]
SECRETS = ("geheimrat", "zaphod", "beeblebrox", "trillian", "magrathea")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, f"no answer at {url}"
            time.sleep(0.2)


class Server:
    """`mlflow server` on SQLite, artifacts over HTTP; ``folder`` holds everything that it stores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [*MLFLOW, "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--artifacts-destination", str(self.folder / "artifacts")]
        environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        wait_for(f"{self.uri}/health", self.process)

    def stop(self) -> None:
        os.killpg(self.process.pid, 9)  # the server and its workers, which are a session of their own
        self.process.wait()

    def kept(self) -> dict[str, bytes]:
        """Name and content of every file of the store: the database and the artifacts."""
        found = {}
        for path in self.folder.rglob("*"):
            with contextlib.suppress(IsADirectoryError, FileNotFoundError):  # a journal of the database comes and goes
                found[str(path.relative_to(self.folder))] = path.read_bytes()
        del found["server.log"]
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")  # for a busy machine
        yield server
    server.stop()


@pytest.fixture
def secret_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of noisy scans with the names of a patient and a user in all places."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "trillian")
    assert getpass.getuser() == "trillian"
    folder = tmp_path / "Geheimrat" / "noisy"
    folder.mkdir(parents=True)
    for name in ("sub-Zaphod_T1w", "sub-Zaphod_T2w"):
        image = nibabel.Nifti1Image(noisy_ball(), np.eye(4))
        image.header["descrip"] = b"Beeblebrox"
        nibabel.save(image, folder / f"{name}.nii.gz")
    return folder


def noisy_ball() -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 28, 20)), indexing="ij"))
    clean, rng = 500.0 * (np.linalg.norm(grid, axis=0) < 0.8), np.random.default_rng(0)
    return np.hypot(clean + rng.normal(0, 40, clean.shape), rng.normal(0, 40, clean.shape)).astype(np.float32)


def assert_nothing_private(server: Server, *words: str) -> None:
    for name, content in server.kept().items():
        for word in (*SECRETS, *words):
            assert word.lower() not in name.lower(), f"{word} is in the name {name}"
            assert word.lower().encode() not in content.lower(), f"{word} is in {name}"


@pytest.mark.slow
def test_training_registers_a_model_and_nothing_private(
    training_command: Callable, server: Server, secret_folder: Path, tmp_path: Path, repository: Path
) -> None:
    folder = tmp_path / "magrathea"
    settings = {"tracking_uri": server.uri, "experiment_name": "server", "noisy_dir": secret_folder}
    command = training_command(folder, "train.json", **settings)
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert " lacks: " not in done.stderr + done.stdout, done.stderr + done.stdout

    client = MlflowClient(server.uri)
    (run,) = client.search_runs([client.get_experiment_by_name("server").experiment_id])
    assert run.info.status == "FINISHED"
    assert {"val/psnr_10", "val/psnr_20", "val/ssim_10", "train/loss", "lr/generator"} <= set(run.data.metrics)
    wanted = {"noisy_data": "own data", "noisy_volumes": "2", "clean_data": "phantoms", "clean_volumes": "1"}
    assert wanted.items() <= run.data.params.items()
    assert run.data.tags["objective"] == "PhysicsObjective" and run.data.tags["bundle_version"]
    assert run.data.tags["mlflow.user"] == "not recorded"
    pictures = [file.path for file in client.list_artifacts(run.info.run_id, "images") if file.path.endswith(".png")]
    assert sorted(int(path.split("+")[2]) for path in pictures) == [2, 4], "one for each validation, by iteration"

    (version,) = client.search_model_versions("name='server'")
    assert version.run_id == run.info.run_id
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", server.uri)
        model = mlflow.pyfunc.load_model(f"models:/server/{version.version}")
    assert model.metadata.signature is not None and model.metadata.saved_input_example_info is not None
    scan = secret_folder / "sub-Zaphod_T1w.nii.gz"
    denoiser = Denoiser.from_bundle(model=folder / "model.pt", settings={"channels": [4, 8], "blocks": 1})
    expected = denoiser.denoise(scan)
    for given in (str(scan), noisy_ball()):
        found = model.predict(given)
        np.testing.assert_allclose(found, expected.denoised, rtol=0, atol=1e-4 * np.ptp(expected.denoised))
    answer = model.predict(str(scan), params={"with_sigma": True})
    for name, value in expected.noise_report().items():
        assert answer[name] == pytest.approx(value), name
    floor = model.predict(str(scan), params={"refine": False, "keep_floor": True, "strength": 0.5})
    settings = replace(denoiser.settings, refine=False, keep_floor=True, strength=0.5)
    np.testing.assert_array_equal(floor, denoiser.denoise_image(denoiser.load(scan), settings).denoised)

    assert_nothing_private(server, str(tmp_path), str(repository))
    assert "Geheimrat" in next((folder / "output").glob("config_*.json")).read_text(), "complete on the own disk"


@pytest.mark.slow
def test_failing_training_sends_nothing_private(
    training_command: Callable, server: Server, secret_folder: Path, tmp_path: Path, repository: Path
) -> None:
    (secret_folder / "sub-Zaphod_PDw.nii.gz").write_bytes(b"Beeblebrox")
    settings = {"tracking_uri": server.uri, "experiment_name": "fails", "noisy_dir": secret_folder}
    command = training_command(tmp_path / "magrathea", "train.json", **settings)
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=200)
    assert done.returncode != 0 and "sub-Zaphod_PDw" in done.stderr
    assert_nothing_private(server, str(tmp_path), str(repository))


@pytest.mark.slow
def test_unreachable_server_ends_the_training_in_one_line(
    training_command: Callable, tmp_path: Path, repository: Path
) -> None:
    command = training_command(tmp_path, "train.json", tracking_uri=f"http://127.0.0.1:{free_port()}")
    start = time.monotonic()
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=120)
    assert time.monotonic() - start < 40, "most of it is the start of Python"
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "no MLflow server answers" in line and "Traceback" not in done.stderr
    assert not (tmp_path / "output").exists()


@pytest.mark.slow
def test_killed_server_does_not_stop_the_training(training_command: Callable, tmp_path: Path, repository: Path) -> None:
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server")
    try:
        settings = {"max_epochs": 6, "iterations_per_epoch": 20, "experiment_name": "killed"}
        command = training_command(tmp_path, "train.json", tracking_uri=server.uri, **settings)
        with (tmp_path / "said").open("w") as said:
            training = subprocess.Popen(command, cwd=repository, stdout=said, stderr=subprocess.STDOUT)
            while not list(tmp_path.glob("output/checkpoints/*/checkpoint_epoch=1.pt")):
                assert training.poll() is None
                time.sleep(0.05)
            server.stop()
            start = time.monotonic()
            assert training.wait(120) == 0
        assert time.monotonic() - start < 60
        assert (tmp_path / "model.pt").is_file()
        assert list(tmp_path.glob("output/checkpoints/*/checkpoint_epoch=6.pt"))
        lines = (tmp_path / "said").read_text().splitlines()
        assert len([line for line in lines if "MLflow does not answer (connection refused)" in line]) == 1
        (last,) = [line for line in lines if " lacks: " in line]
        assert "values" in last and "the registered model" in last and "its end as FINISHED" in last
        assert len([line for line in lines if "WARNING" in line and "onnection" in line]) == 1

        server.start()
        (run,) = MlflowClient(server.uri).search_runs(["1"])
        assert run.info.status == "RUNNING" and "train/loss" in run.data.metrics
    finally:
        server.stop()


@pytest.mark.slow
def test_registered_weights_are_served_over_http(server: Server, repository: Path, tmp_path: Path) -> None:
    weights = repository / "bundles" / "brain_mri_denoise" / "models" / "model.pt"
    uri = register_weights("shipped", weights, tracking_uri=server.uri)
    nibabel.save(nibabel.Nifti1Image(noisy_ball(), np.eye(4)), tmp_path / "scan.nii.gz")
    expected = Denoiser.from_bundle().denoise(tmp_path / "scan.nii.gz")
    port = free_port()
    command = [*MLFLOW, "models", "serve", "-m", uri, "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server.uri, "PATH": path}
    serving = subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", serving)
        for given in (str(tmp_path / "scan.nii.gz"), noisy_ball().tolist()):
            body = json.dumps({"inputs": given, "params": {"with_sigma": True}}).encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                found = json.load(answer)["predictions"]
            tolerance = 1e-4 * np.ptp(expected.denoised)
            np.testing.assert_allclose(found["denoised"], expected.denoised, rtol=0, atol=tolerance)
            assert found["sigma"] == pytest.approx(expected.sigma, rel=1e-4)
    finally:
        os.killpg(serving.pid, 9)
        serving.wait()
