"""`mri-denoise trust`: mistakes are said at once; the phantoms are those that it promises."""

import pandas as pd
import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--subjects", 9], "--subjects 9: there are 8 that no training has seen; give fewer"),
        (["--subjects", 2], "should be greater than or equal to 3"),
        (["--method", "magic"], "magic"),
        (["--noise", "pink"], "pink"),
    ],
)
def test_a_mistake_is_named_before_any_work(mri_denoise, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    outcome = mri_denoise("trust", *arguments)
    assert outcome.code != 0 and message in outcome.err and "Traceback" not in outcome.err
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_noisy_heads_keep_all_but_their_noise(mri_denoise, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = mri_denoise("trust", "--method", "noisy", "--subjects", 3, "--slices", 40, "--every-level")
    assert outcome.code == 0, outcome.err
    assert outcome.out.split() == ["trust/trust.csv", "trust/trust.md"]
    table = pd.read_csv("trust/trust.csv").set_index(["check", "group"])["value"]
    assert table["NRMSE after / before"].to_numpy() == pytest.approx(1)
    assert (table["PSNR without noise"] > 100).all()
    contrast = table["lesion contrast kept"]
    assert contrast[["white matter", "cortex", "beside ventricles"]].to_numpy() == pytest.approx(1, abs=0.01)
    assert table["lesion size kept"]["4 mm, CNR 3"] == pytest.approx(1, abs=0.05)
    assert (table["artefact"] > 0.75).all(), "noise hides a part of the ghost"
    assert table["lesion detection, AUC"].isna().all(), "three heads have too few places for an observer"
