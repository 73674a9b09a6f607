"""A federated training of two sites in NVFlare's simulator: server and sites are processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "apps" / "federated"
TINY = json.loads((ROOT / "tests" / "bundle" / "tiny_training.json").read_text())
SITES = ("north", "south")
ROUNDS, STEPS = 2, 3
CONFIG = "train_paper.json"  # it has discriminators, which must stay at the sites


def run(script: str, *words: str, **environment: str) -> str:
    command = [sys.executable, str(APP / script), *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON files of both sites, which differ in the phantoms that they train on, and of the server."""
    folder = tmp_path_factory.mktemp("federated")
    (folder / "sites").mkdir()
    for number, name in enumerate((*SITES, "server")):
        place = folder / name
        own: dict[str, Any] = TINY | {
            "output_dir": str(place),
            "model_path": str(place / "model.pt"),
            "tracking_uri": f"sqlite:///{place}/mlruns.db",
            "patch_size": [16, 16, 1],
            "datalists#noisy_subjects": [number],
            "datalists#clean_subjects": [3 + number],
        }
        del own["max_epochs"], own["iterations_per_epoch"]
        (folder / "sites" / f"{name}.json").write_text(json.dumps(own))
    return folder


@pytest.fixture(scope="module")
def job(settings: Path) -> Path:
    """The folder of the finished job."""
    numbers = ["--rounds", str(ROUNDS), "--steps", str(STEPS), "--config", CONFIG]
    run("job.py", "--simulate", str(settings / "sites"), "--output-dir", str(settings / "job"), *numbers)
    return settings / "job" / "mri_denoise"


@pytest.fixture(scope="module")
def global_weights(job: Path) -> dict[str, torch.Tensor]:
    return torch.load(job / "server" / "simulate_job" / "app_server" / "FL_global_model.pt", weights_only=True)["model"]


@pytest.fixture(scope="module")
def sites(job: Path, settings: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The networks of each site after its last round, from its own checkpoint."""
    found = {}
    for name in SITES:
        [path] = (settings / name / "checkpoints").rglob(f"checkpoint_epoch={ROUNDS}.pt")
        found[name] = torch.load(path, weights_only=False)["networks"]
    return found


def test_the_server_has_the_mean_of_the_sites(global_weights, sites):
    north, south = sites.values()
    assert any(not torch.equal(north[name], south[name]) for name in global_weights)
    for name, value in global_weights.items():
        torch.testing.assert_close(value, (north[name] + south[name]) / 2)


def test_discriminators_stay_at_the_sites(global_weights, sites, job):
    own = [name for name in sites["north"] if name.startswith("discriminator")]
    assert own and not [name for name in global_weights if name.startswith("discriminator")]
    assert set(sites["north"]) == set(global_weights) | set(own)
    assert any(not torch.equal(sites["north"][name], sites["south"][name]) for name in own)


def test_all_sites_validate_the_same_phantoms(job):
    [metrics] = job.rglob("round_metrics.jsonl")
    for line in metrics.read_text().splitlines():
        values = {one["name"]: one["metrics"][0]["value"] for one in json.loads(line)["sites"]}
        assert set(values) == set(SITES)
        assert values["north"] == pytest.approx(values["south"], rel=1e-6)


def test_the_server_gets_no_path_of_a_site(job, settings):
    for path in (job / "server").rglob("*"):
        if path.suffix in {".json", ".jsonl", ".txt"}:
            text = path.read_text(errors="replace")
            assert not any(str(settings / name / "checkpoints") in text for name in SITES), path
            assert "sub-" not in text and "phantom_" not in text, path


def run_of_site(settings: Path, name: str) -> tuple[MlflowClient, Run]:
    client = MlflowClient(f"sqlite:///{settings / name}/mlruns.db")
    [found] = client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])
    return client, found


def test_each_site_tracks_its_own_training(job, settings):
    for name in SITES:
        _, found = run_of_site(settings, name)
        assert found.info.status == "FINISHED"
        assert found.data.params["epoch_length"] == str(STEPS)


def test_the_server_gets_the_psnr_that_a_site_measured(job, settings):
    [metrics] = job.rglob("round_metrics.jsonl")
    rounds = [json.loads(line) for line in metrics.read_text().splitlines()]
    for name in SITES:
        client, found = run_of_site(settings, name)
        logged = [one.value for one in client.get_metric_history(found.info.run_id, "val/psnr")]
        sent = [site["metrics"][0]["value"] for one in rounds for site in one["sites"] if site["name"] == name]
        assert len(sent) == ROUNDS and sent == pytest.approx(logged[:ROUNDS])


def test_the_results_are_a_model_and_one_run_in_mlflow(job, settings, tmp_path):
    words = [str(job), "--output-dir", str(tmp_path / "model"), "--config", CONFIG]
    printed = run("results.py", *words, MRI_DENOISE_SITE=str(settings / "sites" / "server.json"))
    assert f"after {ROUNDS} rounds: PSNR" in printed
    model = torch.load(tmp_path / "model" / "model.pt", weights_only=True)
    best = torch.load(settings / "north" / "model.pt", weights_only=True)  # a site keeps the best global model, too
    assert model.keys() == best.keys()
    for name, value in model.items():
        torch.testing.assert_close(value, best[name])
    client = MlflowClient(f"sqlite:///{tmp_path / 'model'}/mlruns.db")
    experiment = client.get_experiment_by_name("brain_mri_denoise_federated")
    [found] = client.search_runs([experiment.experiment_id])
    assert len(client.get_metric_history(found.info.run_id, "val/psnr")) == ROUNDS + 1


def test_results_of_other_networks_name_the_variable(job, tmp_path):
    words = [str(job), "--output-dir", str(tmp_path / "model"), "--config", CONFIG]
    command = [sys.executable, str(APP / "results.py"), *words]
    environment = {name: value for name, value in os.environ.items() if name != "MRI_DENOISE_SITE"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("if a server.json changes them, MRI_DENOISE_SITE must name it")
    assert not list(tmp_path.iterdir())
