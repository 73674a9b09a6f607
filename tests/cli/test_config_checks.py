"""The bundle's command line, checked; and what it really runs."""

import json
import sys
from pathlib import Path

import pytest
from monai.bundle import ConfigWorkflow

from monai_unsup_denoise.cli.config_checks import BundleCommandLine, one_line_for_user_mistakes
from monai_unsup_denoise.errors import InputError

PROGRAM = "/venv/lib/python3.12/site-packages/monai/bundle/__main__.py"
CONFIG = {"max_epochs": 20, "patch_size": [80, 80], "output_dir": "out", "train": {"lr": 0.1, "loss": {"kl": 1}}}


@pytest.fixture(autouse=True)
def excepthook(monkeypatch):
    """Put the interpreter's own hook back after each test."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "train.json"
    path.write_text(json.dumps(CONFIG))
    return path


def command(config, *overrides):
    return [PROGRAM, "run", "training", "--config_file", str(config), *overrides]


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("--max_epochs", "5"),
        ("--tracking", "mlflow", "--save_execute_config", "False", "--run_name", "mine"),
        ("--max_epochs=5", "--patch_size", "[64, 64]"),
        ("--train#lr", "0.5"),
        ("--train::loss::kl", "2"),
        ("--meta_file", "metadata.json", "--logging_file=logging.conf", "--tracking", "mlflow"),
        ("--init_id", "start", "--run_id", "go", "--final_id", "end", "--args_file", "args.json"),
    ],
)
def test_known_keys_and_the_command_s_own_options_pass(config, overrides):
    BundleCommandLine(command(config, *overrides))


@pytest.mark.parametrize(
    "override, message",
    [
        ("--max_epoch=5", r"--max_epoch: no such key in .*train\.json; did you mean --max_epochs\?"),
        ("--trian#lr=5", r"--trian#lr: no such key .*did you mean --train\?"),
        ("--xyz=5", r"--xyz: no such key .*see the ids in the config file"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_one_that_was_probably_meant(config, override, message):
    with pytest.raises(InputError, match=message):
        BundleCommandLine(command(config, override))


def test_keys_of_every_config_file_are_known_and_a_file_s_own_overrides_are_merged(config, tmp_path):
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"patience": 3, "train#lr": 0.7}))
    both = str([str(config), str(more)])
    line = BundleCommandLine(command(both, "--patience", "4"))
    executed = json.loads(Path(line.save_config(str(tmp_path / "executed.json"))).read_text())
    assert executed["patience"] == 4
    assert executed["train"]["lr"] == 0.7
    with pytest.raises(InputError, match=r"train\.json, .*more\.json"):
        BundleCommandLine(command(both, "--patiance", "4"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["/usr/bin/pytest", "run", "--max_epoch", "5"],
        ["/venv/bin/mri-denoise", "denoise", "--max_epoch", "5"],
        [PROGRAM, "ckpt_export", "--max_epoch", "5"],
        ["", "run"],
    ],
)
def test_started_in_another_way_nothing_is_checked_and_nothing_is_saved(arguments, tmp_path):
    line = BundleCommandLine(arguments)
    assert line.save_config(str(tmp_path / "executed.json")) is None
    assert list(tmp_path.iterdir()) == []


def test_by_default_the_command_line_is_that_of_this_process(config, monkeypatch):
    monkeypatch.setattr(sys, "argv", command(config, "--max_epoch", "5"))
    with pytest.raises(InputError, match="max_epochs"):
        BundleCommandLine()


@pytest.mark.parametrize(
    "overrides, arguments",
    [
        ({}, ()),
        ({"max_epochs": 5, "patch_size": [64, 64]}, ("--max_epochs", "5", "--patch_size", "[64, 64]")),
        ({"output_dir": "elsewhere"}, ("--output_dir=elsewhere",)),
        ({"train#lr": -0.5, "train::loss::kl": 2}, ("--train#lr", "-0.5", "--train::loss::kl=2")),
        ({"patch_size": None, "output_dir": "$1 + 1"}, ("--patch_size", "None", "--output_dir", "$1 + 1")),
        ({"max_epochs": True}, ("--max_epochs",)),
        ({"train": {"lr": 3}}, ("--train", "{'lr': 3}")),
    ],
)
def test_the_saved_config_is_the_one_that_monai_executes(config, tmp_path, overrides, arguments):
    path = tmp_path / "new" / "executed.json"
    saved = BundleCommandLine(command(config, *arguments)).save_config(str(path))
    assert saved == str(path)
    workflow = ConfigWorkflow(config_file=str(config), logging_file=False, **overrides)
    assert json.loads(path.read_text()) | {"_meta_": {}} == workflow.parser.get() | {"_meta_": {}}


def test_a_key_that_replaces_instead_of_merging_is_saved_under_its_own_name(config, tmp_path):
    path = tmp_path / "executed.json"
    BundleCommandLine(command(config, "--+train", "{'lr': 3}")).save_config(str(path))
    executed = json.loads(path.read_text())
    assert executed["train"] == {"lr": 3}
    assert "+train" not in executed


def wrapped(error):
    """As MONAI wraps the errors of what a config instantiates."""
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("Failed to instantiate component\nwith many\nlines") from inner
    except RuntimeError as outer:
        return outer


def test_a_user_s_mistake_ends_in_one_line_however_often_it_was_wrapped(capsys):
    error = wrapped(wrapped(InputError("scan.nii: no such file; give another path")))
    one_line_for_user_mistakes(type(error), error, error.__traceback__)
    assert capsys.readouterr().err == "error: scan.nii: no such file; give another path\n"


def test_a_defect_ends_in_its_traceback(capsys):
    error = wrapped(KeyError("pred"))
    one_line_for_user_mistakes(type(error), error, error.__traceback__)
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "KeyError: 'pred'" in err and "Failed to instantiate" in err


def test_constructing_it_puts_the_hook_in_place_even_where_there_is_nothing_to_check():
    BundleCommandLine([""])
    assert sys.excepthook is one_line_for_user_mistakes


def test_a_command_line_whose_configs_are_named_in_an_args_file_is_left_to_monai():
    assert BundleCommandLine([PROGRAM, "run", "--args_file", "args.json", "--batch_size", "4"]).config_files == []
