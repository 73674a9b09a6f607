"""One training with changed settings: they arrive, or are refused."""

import ast
import json
from pathlib import Path

import pytest
from fire.parser import DefaultParseValue

from experiments import short_training
from experiments.design_ablation import VARIANTS
from experiments.short_training import train_once


def test_setting_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="passes over None"):
        train_once(tmp_path, {"network#working_sigma": None})
    assert not list(tmp_path.iterdir())


def test_every_setting_arrives_as_it_was_given(tmp_path, monkeypatch):
    words = []
    monkeypatch.setattr(short_training.subprocess, "run", lambda command, check: words.append(command))
    for number, variant in enumerate(VARIANTS.values()):
        (tmp_path / str(number)).mkdir()
        train_once(tmp_path / str(number), variant.changes)
        for key, value in variant.changes.items():
            assert DefaultParseValue(words[-1][words[-1].index(f"--{key}") + 1]) == value


def test_finished_training_is_not_repeated(tmp_path):
    (tmp_path / "finished").write_text(json.dumps({"seconds": 12.5}))
    assert train_once(tmp_path, {"no_such_setting": 1}) == 12.5


def test_configs_follow_their_base(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(short_training.subprocess, "run", lambda command, check: commands.append(command))
    train_once(tmp_path, {}, ["train_paper.json"])
    files = ast.literal_eval(commands[0][commands[0].index("--config_file") + 1])
    assert [Path(file).name for file in files] == [
        "train.json",
        "adversarial.json",
        "slab_2d.json",
        "published_experiment.json",
        "train_paper.json",
    ]
