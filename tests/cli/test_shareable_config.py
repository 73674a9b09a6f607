"""What of an executed config goes to a tracking server."""

from __future__ import annotations

import json
from pathlib import Path

from monai_unsup_denoise.cli.shareable_config import WITHHELD, shareable_config

CONFIGS = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise" / "configs"


def test_the_shipped_configs_are_whole() -> None:
    for path in CONFIGS.glob("*.json"):
        config = json.loads(path.read_text())
        assert shareable_config(config) == config


def test_numbers_references_and_dotted_names_of_the_user_stay() -> None:
    config = {
        "learning_rate": 3e-4,
        "patch_size": [16, 16, 8],
        "resume": False,
        "noisy_dir": None,
        "length": "$@max_epochs * 3",
        "sampler": {"_target_": "my.module.Sampler", "data": "@train#dataset"},
    }
    assert shareable_config(config) == config


def test_every_other_text_of_the_user_is_withheld() -> None:
    texts = ["/data/Jane Doe/noisy", "Jane", "../Jane", r"C:\Jane", "~/x.json", "$'/data/Jane'", '$"Jane"', "$/Jane"]
    config = {"noisy_dir": texts[0], "a": {"b": [{"c": text} for text in texts]}, "x": {"_target_": "/Jane"}}
    shared = shareable_config(config)
    assert "Jane" not in json.dumps(shared) and "x.json" not in json.dumps(shared)
    assert shared["noisy_dir"] == WITHHELD
