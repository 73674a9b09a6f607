"""One training with settings changed: they arrive, or are refused."""

import json

import pytest
from fire.parser import DefaultParseValue

from experiments import short_training
from experiments.design_ablation import IDEAS
from experiments.short_training import train_once


def test_a_setting_that_is_none_would_not_arrive_and_is_refused(tmp_path):
    with pytest.raises(ValueError, match="passes over None"):
        train_once(tmp_path, {"network#working_sigma": None})
    assert not list(tmp_path.iterdir())


def test_every_setting_arrives_as_it_was_given(tmp_path, monkeypatch):
    words = []
    monkeypatch.setattr(short_training.subprocess, "run", lambda command, check: words.append(command))
    for number, idea in enumerate(IDEAS.values()):
        (tmp_path / str(number)).mkdir()
        train_once(tmp_path / str(number), idea.changes)
        for key, value in idea.changes.items():
            assert DefaultParseValue(words[-1][words[-1].index(f"--{key}") + 1]) == value


def test_what_was_trained_before_is_not_trained_again(tmp_path):
    (tmp_path / "finished").write_text(json.dumps({"seconds": 12.5}))
    assert train_once(tmp_path, {"no_such_setting": 1}) == 12.5
