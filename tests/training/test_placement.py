"""A training on a CPU is in bfloat16 only where the CPU has it."""

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.training.placement import autocast_dtype

CONFIG = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise" / "configs" / "train.json"


@pytest.mark.parametrize(
    ("capability", "expected"),
    [("AVX512", torch.bfloat16), ("AVX2", None), ("DEFAULT", None), ("SVE256", None)],
)
def test_a_cpu_is_asked_what_it_can(capability, expected, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert autocast_dtype("cpu") is expected


def test_the_training_asks(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    config = {"device": "cpu", "autocast": json.loads(CONFIG.read_text())["autocast"]}
    assert ConfigParser(config).get_parsed_content("autocast") is None
