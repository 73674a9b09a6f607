"""The bundle's command line, checked; and the config that it executes."""

import errno
import json
import signal
import sys

import pytest
from monai.bundle import ConfigWorkflow

from monai_unsup_denoise.cli.config_checks import (
    RENAMED,
    check_command_line,
    executed_config,
    report_mistakes_in_one_line,
    save_executed_config,
)
from monai_unsup_denoise.cli.shareable_config import WITHHELD
from monai_unsup_denoise.errors import InputError

PROGRAM = "/venv/lib/python3.12/site-packages/monai/bundle/__main__.py"
CONFIG = {"max_epochs": 20, "patch_size": [80, 80], "output_dir": "out", "train": {"lr": 0.1, "loss": {"kl": 1}}}


@pytest.fixture(autouse=True)
def excepthook(monkeypatch):
    """Put the interpreter's own hook and the handlers of signals back after each test."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


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
    check_command_line(command(config, *overrides))


@pytest.mark.parametrize(
    "override, message",
    [
        ("--max_epoch=5", r"--max_epoch: no such key in .*train\.json; did you mean --max_epochs\?"),
        ("--trian#lr=5", r"--trian#lr: no such key .*did you mean --train\?"),
        ("--xyz=5", r"--xyz: no such key .*see the ids in the config file"),
        ("--max_epochs=false", r"--max_epochs false: a text to MONAI, which counts as true; give False"),
        ("--max_epochs=TRUE", r"--max_epochs TRUE: .*; give True"),
        ("--max_epochs=null", r"--max_epochs null: .*; give '\$None'"),
    ],
)
def test_a_wrong_override_is_an_error_that_says_what_to_give(config, override, message):
    with pytest.raises(InputError, match=message):
        check_command_line(command(config, override))


def test_keys_of_every_config_file_are_known_and_merged(config, tmp_path):
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"patience": 3, "train#lr": 0.7}))
    both = str([str(config), str(more)])
    check_command_line(command(both, "--patience", "4"))
    executed = executed_config(arguments=command(both, "--patience", "4"))
    assert executed["patience"] == 4
    assert executed["train"]["lr"] == 0.7
    with pytest.raises(InputError, match=r"train\.json, .*more\.json"):
        check_command_line(command(both, "--patiance", "4"))


@pytest.mark.parametrize("old", sorted(RENAMED))
@pytest.mark.parametrize("where", ["", "train#", "train#loss::"])
def test_an_id_of_an_earlier_version_is_an_error(config, old, where):
    with pytest.raises(InputError) as caught:
        check_command_line(command(config, f"--{where}{old}", "True"))
    assert str(caught.value) == f"--{where}{old}: {old} is gone; {RENAMED[old]}"
    assert RENAMED[old].startswith("give ") or RENAMED[old].endswith("; leave it out")


def test_an_old_id_that_a_config_still_has_passes(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"fast": 1, "train": {"network": 2}}))
    check_command_line(command(path, "--fast", "2", "--train#network", "3"))


def test_a_config_without_those_that_it_changes_is_an_error(config, tmp_path):
    for name, content in (("slab.json", {}), ("paper.json", {"base": ["slab.json"]})):
        (tmp_path / name).write_text(json.dumps(content))
    files = [str(config), str(tmp_path / "slab.json"), str(tmp_path / "paper.json")]
    check_command_line(command(files))
    with pytest.raises(
        InputError, match=r"paper\.json changes other configs; give .*'train\.json', 'slab\.json', 'paper\.json'"
    ):
        check_command_line(command([files[0], files[2]]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["/usr/bin/pytest", "run", "--max_epoch", "5"],
        ["/venv/bin/mri-denoise", "denoise", "--max_epoch", "5"],
        [PROGRAM, "ckpt_export", "--max_epoch", "5"],
        ["", "run"],
    ],
)
def test_nothing_is_checked_or_saved_without_monai_s_command(arguments, tmp_path):
    hook = sys.excepthook
    check_command_line(arguments)
    assert sys.excepthook is hook
    assert executed_config(arguments=arguments) is None
    save_executed_config(tmp_path, "run", arguments)
    assert list(tmp_path.iterdir()) == []


def test_by_default_the_command_line_is_that_of_this_process(config, monkeypatch):
    monkeypatch.setattr(sys, "argv", command(config, "--max_epoch", "5"))
    with pytest.raises(InputError, match="max_epochs"):
        check_command_line()
    assert executed_config()["max_epoch"] == 5


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
    save_executed_config(tmp_path / "new", "run", command(config, *arguments))
    saved = json.loads((tmp_path / "new" / "config_run.json").read_text())
    workflow = ConfigWorkflow(config_file=str(config), logging_file=False, **overrides)
    assert saved | {"_meta_": {}} == workflow.parser.get() | {"_meta_": {}}


def test_a_replacing_key_is_saved_under_its_own_name(config):
    executed = executed_config(arguments=command(config, "--+train", "{'lr': 3}"))
    assert executed["train"] == {"lr": 3}
    assert "+train" not in executed


def test_the_shareable_config_has_no_private_text(config):
    executed = executed_config(
        shareable=True, arguments=command(config, "--output_dir", "/data/Jane", "--max_epochs", "5")
    )
    assert executed["output_dir"] == WITHHELD and executed["max_epochs"] == 5


def wrapped(error):
    """As MONAI wraps the errors of what a config instantiates."""
    try:
        try:
            raise error
        except Exception as inner:
            raise RuntimeError("Failed to instantiate component\nwith many\nlines") from inner
    except RuntimeError as outer:
        return outer


def test_a_wrapped_user_mistake_ends_in_one_line(capsys):
    error = wrapped(wrapped(InputError("scan.nii: no such file; give another path")))
    report_mistakes_in_one_line(type(error), error, error.__traceback__)
    assert capsys.readouterr().err == "error: scan.nii: no such file; give another path\n"


def test_a_defect_ends_in_its_traceback(capsys):
    error = wrapped(KeyError("pred"))
    report_mistakes_in_one_line(type(error), error, error.__traceback__)
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "KeyError: 'pred'" in err and "Failed to instantiate" in err


def test_the_check_makes_later_mistakes_end_in_one_line(config):
    check_command_line(command(config))
    assert sys.excepthook is report_mistakes_in_one_line


def test_configs_named_in_an_args_file_are_left_to_monai():
    arguments = [PROGRAM, "run", "--args_file", "args.json", "--batch_size", "4"]
    check_command_line(arguments)
    assert executed_config(arguments=arguments) is None


def test_an_interruption_ends_in_one_line_naming_the_signal(capsys):
    for error, said in (
        (KeyboardInterrupt("SIGTERM"), "interrupted SIGTERM\n"),
        (KeyboardInterrupt(), "interrupted\n"),
    ):
        report_mistakes_in_one_line(type(error), error, None)
        assert capsys.readouterr().err == said


def test_a_full_disk_ends_in_one_line_that_names_the_file(capsys):
    error = wrapped(OSError(errno.ENOSPC, "No space left on device", "out/x.png"))
    report_mistakes_in_one_line(type(error), error, error.__traceback__)
    expected = "error: out/x.png: No space left on device; make room or give another output_dir\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_check_makes_signals_interrupt(number, config):
    before = signal.signal(number, signal.SIG_DFL)
    try:
        check_command_line(command(config))
        with pytest.raises(KeyboardInterrupt, match=number.name):
            signal.raise_signal(number)
    finally:
        signal.signal(number, before)
