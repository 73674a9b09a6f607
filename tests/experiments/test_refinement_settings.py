"""Other settings of the refinement are used while it is measured, and only then."""

import importlib

import torch

from experiments.refinement_settings import SETTINGS, measure, setting_of

MODULE = importlib.import_module("monai_unsup_denoise.functional.nonlocal_bayes")


def test_settings_change_the_result_and_are_restored(monkeypatch):
    reaches = []
    candidates = MODULE.candidates_of
    monkeypatch.setattr(MODULE, "candidates_of", lambda *args: reaches.append(args[2].reach) or candidates(*args))
    generator = torch.Generator().manual_seed(0)
    clean = 1 + torch.rand(16, 16, 8, generator=generator).round()
    case = clean, clean + 0.1 * torch.randn(clean.shape, generator=generator), 0.8 * clean + 0.3, clean * 0 + 0.1
    before = MODULE.CUBES
    assert setting_of(before) in SETTINGS
    seconds, [gain] = measure((3, 50, 30, 2), [case])
    assert set(reaches) == {(3, 3, 3)} and seconds > 0 and gain > 1
    assert before == MODULE.CUBES
