"""Tiny trainings of every training method, through MONAI's own command."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run

from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.losses import ADVERSARIAL_TERMS, CycleGANObjective, PaperObjective, PhysicsObjective


def test_the_default_training_leaves_a_model_and_a_finished_run(
    train: Callable, runs: Callable, tracking_uri: str, tmp_path: Path
) -> None:
    done = train(
        "train.json",
        "adversarial.json",
        tracking="mlflow",
        experiment_name="default",
        patch_size="[24,24,24]",
        **{"train#objective#lazy_interval": 1, "discriminator_high#channels": 4},
    )
    assert done.returncode == 0, done.stderr
    assert torch.load(tmp_path / "model.pt", weights_only=True)

    (run,) = runs("default")
    assert run.info.status == "FINISHED"
    assert {"seed", "max_epochs", "batch_size", "learning_rate"} <= set(run.data.params)
    wanted = {f"train/{term}" for term in (*PhysicsObjective.TERMS, *ADVERSARIAL_TERMS)} | {
        "train/loss",
        "lr/generator",
        "lr/discriminator",
    }
    wanted |= {f"val/{metric}{level}" for metric in ("psnr", "ssim") for level in ("", "_10", "_20")}
    assert wanted <= set(run.data.metrics)
    artifacts = {item.path for item in MlflowClient(tracking_uri).list_artifacts(run.info.run_id)}
    assert artifacts == {"model.pt", "config.json", "images"}, "MONAI's own tracking adds nothing"


def assert_finite_and_falling(client: MlflowClient, run: Run, terms: tuple[str, ...], falling: str) -> None:
    """Every term was recorded and always finite, and one of them fell by a fifth."""
    history = {
        term: [point.value for point in client.get_metric_history(run.info.run_id, f"train/{term}")] for term in terms
    }
    assert all(values and all(map(math.isfinite, values)) for values in history.values())
    assert history[falling][-1] < 0.8 * history[falling][0]


@pytest.mark.slow
def test_discriminators_of_the_published_training_learn(train: Callable, runs: Callable, tracking_uri: str) -> None:
    done = train(
        *("train.json", "adversarial.json", "slab_2d.json", "published_experiment.json", "train_paper.json"),
        experiment_name="paper",
        max_epochs=3,
        iterations_per_epoch=20,
        val_interval=3,
        learning_rate=0.003,
        patch_size="[16,16,1]",
        blocks=1,
    )
    assert done.returncode == 0, done.stderr
    (run,) = runs("paper")
    # The cycle loss of its residual generators is 0 before training.
    assert_finite_and_falling(MlflowClient(tracking_uri), run, PaperObjective.TERMS, "discriminator_high")


@pytest.mark.slow
def test_the_paired_training_runs(train: Callable, runs: Callable) -> None:
    done = train("train.json", "train_paired.json", experiment_name="paired", iterations_per_epoch=10)
    assert done.returncode == 0, done.stderr
    (run,) = runs("paired")
    assert {"train/reconstruction", "train/code"} <= set(run.data.metrics)


@pytest.mark.slow
def test_fine_tuning_on_noisy_scans_alone_changes_given_weights(train: Callable, tmp_path: Path) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    [item] = phantom_datalist(None, [0], contrasts=["T1w"], spacing=4, progress=False)
    shutil.copy(item["image"], scans / "noisy.nii")
    assert train("train.json", experiment_name="before").returncode == 0
    before = torch.load(tmp_path / "model.pt", weights_only=True)
    (tmp_path / "model.pt").rename(tmp_path / "given.pt")
    done = train(
        "train.json",
        "train_selfsup.json",
        experiment_name="selfsup",
        noisy_dir=scans,
        pretrained=tmp_path / "given.pt",
        val_interval=9,
    )
    assert done.returncode == 0, done.stderr
    after = torch.load(tmp_path / "model.pt", weights_only=True)
    assert set(after) == set(before)
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert any(name.startswith("content_encoder") for name in moved)
    assert not any(name.startswith(("noise_encoder", "noise_level")) for name in moved)


@pytest.mark.slow
def test_the_training_of_dncnn_runs(train: Callable, runs: Callable) -> None:
    done = train(
        *("train.json", "slab_2d.json", "train_paired.json", "train_dncnn.json"),
        experiment_name="dncnn",
        patch_size="[16,16,5]",
        **{"dncnn#features": 8},
    )
    assert done.returncode == 0, done.stderr
    (run,) = runs("dncnn")
    assert math.isfinite(run.data.metrics["train/reconstruction"])


@pytest.mark.slow
def test_discriminators_of_cyclegan_learn_and_its_pool_is_saved(
    train: Callable, runs: Callable, tracking_uri: str, tmp_path: Path
) -> None:
    settings = {
        "experiment_name": "cyclegan",
        "patch_size": "[16,16,1]",
        "max_epochs": 3,
        "iterations_per_epoch": 20,
        "val_interval": 3,
        "learning_rate": 0.003,
    }
    configs = ("train.json", "adversarial.json", "slab_2d.json", "published_experiment.json", "train_cyclegan.json")
    done = train(*configs, **settings)
    assert done.returncode == 0, done.stderr
    (run,) = runs("cyclegan")
    # The cycle loss starts at the difference of two draws of noise, which no training lowers.
    assert_finite_and_falling(MlflowClient(tracking_uri), run, CycleGANObjective.TERMS, "discriminator_high")
    (path,) = tmp_path.glob("output/checkpoints/*/checkpoint_epoch=3.pt")
    pools = torch.load(path, weights_only=True)["objective"]
    assert {name: len(pool) for name, pool in pools.items()} == {"pred": 50, "fake_low": 50}


@pytest.mark.slow
def test_a_training_that_crashes_is_marked_failed(train: Callable, runs: Callable) -> None:
    done = train("train.json", experiment_name="crash", learning_rate=1e30)
    assert done.returncode != 0
    (run,) = runs("crash")
    assert run.info.status == "FAILED"
    assert "not finite" in run.data.tags["error"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "said"),
    [
        ({"max_epoch": 3}, "did you mean --max_epochs?"),
        ({"fast": True}, "give refine"),
        ({"noisy_dir": "/nowhere"}, "/nowhere"),
        ({"resume": "/nowhere/checkpoint.pt"}, "/nowhere/checkpoint.pt"),
        ({"pretrained": "/nowhere/model.pt"}, "/nowhere/model.pt"),
    ],
)
def test_a_users_mistake_ends_in_one_line(train: Callable, override: dict, said: str, tmp_path: Path) -> None:
    done = train("train.json", **override)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert said in line
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.slow
def test_the_evaluation_reports_psnr_and_ssim_of_every_level(train: Callable, runs: Callable, tmp_path: Path) -> None:
    assert train("train.json", experiment_name="evaluation", max_epochs=1).returncode == 0
    done = train(
        "train.json",
        "evaluate.json",
        experiment_name="evaluation",
        **{"validate#dataset#data#spacing": 4, "validate#dataset#data#contrasts": "['T1w']"},
    )
    assert done.returncode == 0, done.stderr
    (table,) = (tmp_path / "output").glob("evaluation_*/metrics.csv")
    names = {line.split(",")[0] for line in table.read_text().splitlines()}
    assert {"psnr", "psnr_10", "psnr_20", "ssim", "ssim_10", "ssim_20"} <= names
    assert "psnr_20" in done.stdout
    (run,) = [run for run in runs("evaluation") if run.info.run_name.startswith("evaluation-")]
    assert run.info.status == "FINISHED" and "psnr_10" in run.data.metrics
