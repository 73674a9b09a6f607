"""One training with settings changed: what MONAI's command would pass over is refused."""

import json

import pytest

from monai_unsup_denoise.evaluation.short_training import train_once


def test_a_setting_that_is_none_would_not_arrive_and_is_refused(tmp_path):
    with pytest.raises(ValueError, match="passes over None"):
        train_once(tmp_path, {"network#standard_level": None})
    assert not list(tmp_path.iterdir())


def test_what_was_trained_before_is_not_trained_again(tmp_path):
    (tmp_path / "finished").write_text(json.dumps({"seconds": 12.5}))
    assert train_once(tmp_path, {"no_such_setting": 1}) == 12.5
