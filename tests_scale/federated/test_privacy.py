"""Filters for privacy, put on what sites send: NVFlare's own, in its simulator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
JOB = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import job
from nvflare.app_common.filters.percentile_privacy import PercentilePrivacy
from nvflare.recipe import SimEnv
settings = Path(sys.argv[2])
commands = {"north": {"command": f"env MRI_DENOISE_SITE={settings} {sys.executable} -u"}}
os.environ["MRI_DENOISE_SITE"] = str(settings)
recipe = job.make_recipe(rounds=1, steps=3, sites=1, differences=True, per_site=commands)
recipe.add_client_output_filter(PercentilePrivacy(percentile=90, gamma=1.0), tasks=["train"])
print(recipe.run(SimEnv(clients=["north"], workspace_root=str(settings.parent / "job"))).get_result())
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished job of one site and one round; the site sent the largest tenth of its changes."""
    folder = tmp_path_factory.mktemp("privacy")
    settings = json.loads((ROOT / "tests" / "bundle" / "tiny_training.json").read_text()) | {
        "output_dir": str(folder / "site"),
        "model_path": str(folder / "site" / "model.pt"),
        "tracking_uri": f"sqlite:///{folder}/mlruns.db",
    }
    del settings["max_epochs"], settings["iterations_per_epoch"]
    (folder / "site.json").write_text(json.dumps(settings))
    words = [str(ROOT / "apps" / "federated"), str(folder / "site.json")]
    done = subprocess.run([sys.executable, "-c", JOB, *words], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def test_a_filter_lets_a_tenth_of_the_changes_pass(folder):
    server = folder / "job" / "mri_denoise" / "server" / "simulate_job" / "app_server"
    received = torch.load(server / "FL_global_model.pt", weights_only=True)["model"]
    [path] = (folder / "site" / "checkpoints").rglob("checkpoint_epoch=1.pt")
    trained = torch.load(path, weights_only=False)["networks"]
    equal = torch.cat([(trained[name] - value).abs().flatten() < 1e-7 for name, value in received.items()])
    assert 0.1 <= equal.float().mean() < 0.2  # a tenth was sent; a few weights had not changed
