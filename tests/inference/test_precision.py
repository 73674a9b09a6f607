"""A CPU computes in bfloat16 only where it has it."""

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.inference import autocast_dtype

CONFIGS = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise" / "configs"


@pytest.mark.parametrize(
    ("capability", "expected"),
    [("AVX512", torch.bfloat16), ("AVX2", None), ("DEFAULT", None), ("SVE256", None)],
)
def test_cpu_without_bfloat16_uses_float32(capability, expected, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert autocast_dtype("cpu") is expected


@pytest.mark.parametrize("name", ["train.json", "inference.json"])
def test_config_asks_the_cpu(name, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    config = {"device": "cpu", "autocast": json.loads((CONFIGS / name).read_text())["autocast"]}
    assert ConfigParser(config).get_parsed_content("autocast") is None
