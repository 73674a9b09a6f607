"""Fine-tuning: the noisy scans, the table, and all of it with tiny trainings."""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from experiments import fine_tuning


def test_noisy_scans_have_their_level_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_tuning, "NOISY_SUBJECTS", (2, 3, 0, 1))
    monkeypatch.setattr(fine_tuning, "phantom_datalist", _at_4_mm)
    folder = fine_tuning.noisy_scans(tmp_path / "noisy")
    clean = _at_4_mm(None, (2, 3, 0, 1), contrasts=["T2w"], progress=False)
    for item, level in zip(clean, (5, 10, 20, 30), strict=True):
        truth = nibabel.load(item["image"]).get_fdata()
        noisy = nibabel.load(folder / Path(item["image"]).name).get_fdata()
        # mean of a Rayleigh distribution: sigma sqrt(pi / 2)
        found = noisy[truth == 0].mean() / np.sqrt(np.pi / 2)
        assert found == pytest.approx(truth.max() * level / 100, rel=0.02)


def test_table_has_every_training_and_level() -> None:
    results = pd.DataFrame([("some steps", 30.0, 25.0, 20.456)], columns=list(fine_tuning.COLUMNS))
    assert fine_tuning.fine_tuning_table(results).splitlines() == [
        "| training | 5 % | 15 % | 30 % |",
        "| --- | --- | --- | --- |",
        "| some steps | 30.00 | 25.00 | 20.46 |",
    ]


@pytest.mark.slow
def test_every_training_is_run_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = fine_tuning.budget
    small = {"datalists#spacing": 4, "datalists#clean_subjects": [4], "patch_size": [16, 16, 16]}
    monkeypatch.setattr(fine_tuning, "budget", lambda steps: budget(steps) | small)
    monkeypatch.setattr(fine_tuning, "phantom_datalist", _at_4_mm)
    folders = ["--output-dir", str(tmp_path), "--work-dir", str(tmp_path / "work")]
    monkeypatch.setattr(sys, "argv", ["fine_tuning", *folders, "--steps", "3", "--few-steps", "2"])
    fine_tuning.main()
    results = pd.read_csv(tmp_path / "transfer.csv")
    assert len(results) == 6
    assert np.isfinite(results[list(fine_tuning.COLUMNS[1:])].to_numpy()).all()
    assert results["training"].tolist()[3] == "then 2 steps on noisy T2w scans only, recorrupted"


def _at_4_mm(*arguments: object, **settings: object) -> list[dict]:
    from monai_unsup_denoise.data import phantom_datalist

    return phantom_datalist(*arguments, spacing=4, **settings)
