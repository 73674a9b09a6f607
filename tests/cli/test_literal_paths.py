"""A path on the command line is never run, looked up or changed by MONAI."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from monai.bundle import ConfigParser, ConfigWorkflow

from monai_unsup_denoise.cli.config_checks import check_command_line
from monai_unsup_denoise.cli.run_bundle import PATHS, bundle_command
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.literal import literal

EVIL = '$__import__("os").mkdir("run")'
NAMES = [EVIL, "$1 + 1", "@seed", "%seed", "a#b", "$a#@seed'\\\"%\u00e9\udcfc", "@#x", "it's@x", "plain", "None of it"]


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("monai_unsup_denoise.cli.config_checks.interrupt_on_signals", dict)


@pytest.mark.parametrize("name", NAMES)
def test_text_comes_through_the_parser_unchanged(name):
    parser = ConfigParser({"seed": 1, "root": literal(name), "again": "@root", "longer": "$@root + '/models'"})
    assert [parser.get_parsed_content(key) for key in ("root", "again", "longer")] == [name, name, f"{name}/models"]


@pytest.mark.parametrize("name", NAMES)
def test_path_comes_through_the_command_unchanged(name, tmp_path):
    """Through fire and the workflow, as a value of the command's own options and of what is handed on."""
    import fire

    config = tmp_path / "train.json"
    config.write_text(json.dumps({"seed": 1, **dict.fromkeys(PATHS)}))
    extra = ["--noisy_dir", f"/x/{name}", f"pretrained={name}", f"--report-dir={name}", "--seed", "$1 + 1"]
    command = bundle_command("run", [str(config)], {"output_dir": Path(name)}, extra)
    given = fire.Fire(lambda *_, **options: options, command=command, serialize=lambda _: None)
    parser = ConfigWorkflow(given.pop("config_file"), logging_file=False, **given).parser
    keys = ("output_dir", "noisy_dir", "pretrained", "report_dir", "seed")
    assert [parser.get_parsed_content(key) for key in keys] == [str(tmp_path / name), f"/x/{name}", name, name, 2]
    assert not Path("run").exists()


@pytest.mark.parametrize("name", [EVIL, "#1.pt"])
def test_weights_and_bundle_of_any_name_are_loaded(name, identity, bundle, tmp_path):
    shutil.copy(identity, name)
    expected = Denoiser.from_bundle(model=identity).network.state_dict()
    loaded = Denoiser.from_bundle(model=name).network.state_dict()
    assert all((loaded[key] == value).all() for key, value in expected.items())
    shutil.copytree(bundle / "configs", tmp_path / "bundles" / name / "configs")
    (tmp_path / "bundles" / name / "models").mkdir()
    shutil.copy(identity, tmp_path / "bundles" / name / "models" / "model.pt")
    os.chdir(tmp_path / "bundles")
    assert Denoiser.from_bundle(name).model_path == tmp_path / "bundles" / name / "models" / "model.pt"
    assert not list(tmp_path.rglob("run"))


@pytest.mark.parametrize("name", [EVIL, "@seed", "%seed", "./a#b"])
def test_bundle_command_refuses_a_name_it_would_misread(name, tmp_path):
    (tmp_path / "train.json").write_text(json.dumps({"model_path": "x", "seed": 1}))
    Path(name).touch()
    command = ["/lib/monai/bundle/__main__.py", "run", "--config_file", str(tmp_path / "train.json")]
    with pytest.raises(InputError, match="--model_path .*: MONAI would misread this name"):
        check_command_line([*command, "--model_path", name])
    check_command_line([*command, "--model_path", "$@seed + 1"])
