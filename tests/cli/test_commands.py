"""`train` and `evaluate` run the bundle, `demo` draws, and the help comes at once."""

import json
import os
import signal
import subprocess
import sys
import time

import nibabel
import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from monai_unsup_denoise import __version__
from monai_unsup_denoise.cli import (
    app,
    config_checks,  # noqa: F401  # now: it takes monai.bundle.run, which tests replace
)
from monai_unsup_denoise.cli.options import RENAMED, with_new_names
from monai_unsup_denoise.errors import InputError


@pytest.fixture
def started(monkeypatch) -> list[dict]:
    """What MONAI's command, which does not run here, was given."""
    calls = []
    monkeypatch.setattr("monai.bundle.run", lambda run_id, **given: calls.append({"run_id": run_id, **given}))
    return calls


def test_train_runs_the_training_of_the_bundle(bundle, started, mri_denoise):
    assert mri_denoise("train").code == 0
    assert started == [
        {"run_id": "training", "config_file": str(bundle / "configs" / "train.json"), "bundle_root": str(bundle)}
    ]


def test_train_passes_on_folders_lengths_and_any_id(tmp_path, started, mri_denoise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--noisy-dir", "n", "--clean-dir", "c", "--epochs", "2", "--output-dir", "o", "--resume"]
    mri_denoise("train", *arguments, "batch_size=4", "--seed", "7", "--train#trainer#x=[1, 2]", "run_name=a=b")
    assert started[0] | {"config_file": "", "bundle_root": ""} == {
        "run_id": "training",
        "config_file": "",
        "bundle_root": "",
        "noisy_dir": str(tmp_path / "n"),
        "clean_dir": str(tmp_path / "c"),
        "max_epochs": 2,
        "output_dir": str(tmp_path / "o"),
        "model_path": str(tmp_path / "o" / "model.pt"),
        "resume": True,
        "batch_size": 4,
        "seed": 7,
        "train#trainer#x": [1, 2],
        "run_name": "a=b",
    }


def test_what_train_and_evaluate_set_are_ids_of_the_configs(tmp_path, bundle, started, mri_denoise):
    train, evaluate = (json.loads((bundle / "configs" / name).read_text()) for name in ("train.json", "evaluate.json"))
    folders = ["--noisy-dir", "n", "--clean-dir", "c", "--output-dir", tmp_path]
    mri_denoise("train", *folders, "--epochs", 2, "--resume")
    mri_denoise("evaluate", "--test-dir", "t", "--model", "m.pt", "--output-dir", tmp_path)
    assert set(started[0]) - {"config_file", "run_id"} <= set(train)
    assert set(started[1]) - {"config_file", "run_id"} <= set(train) | set(evaluate)


def test_a_config_is_laid_over_the_bundle_s(tmp_path, bundle, started, mri_denoise):
    (tmp_path / "mine.json").write_text("{}")
    mri_denoise("train", "--config", "train.json", "--config", tmp_path / "mine.json")
    assert started[0]["config_file"] == [str(bundle / "configs" / "train.json"), str(tmp_path / "mine.json")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stray"], "error: 'stray': not an override; give key=value or --key value"),
        (["-x"], "error: '-x': not an override"),
        (
            ["--config", "none.json"],
            "error: none.json: no such config; give the path of one, or one of the bundle's:",
        ),
    ],
)
def test_what_makes_no_sense_starts_nothing(arguments, message, started, mri_denoise):
    outcome = mri_denoise("train", *arguments)
    assert outcome.code == 1 and outcome.err.startswith(message) and not started


def test_a_read_only_installation_writes_to_the_current_folder(tmp_path, started, mri_denoise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    mri_denoise("train")
    assert started[0]["output_dir"] == str(tmp_path / "mri_denoise_output")
    assert started[0]["model_path"] == str(tmp_path / "mri_denoise_output" / "model.pt")


def test_evaluate_lays_its_config_over_that_of_the_training(tmp_path, bundle, started, mri_denoise, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("train_mine.json", "evaluate.json"):
        (tmp_path / name).write_text("{}")
    assert mri_denoise("evaluate", "--config", "train_mine.json", "--model", "m.pt", "seed=1").code == 0
    configs = [bundle / "configs" / "train.json", tmp_path / "train_mine.json", bundle / "configs" / "evaluate.json"]
    given = started[0]
    assert given["config_file"] == [str(path) for path in configs]
    assert (given["run_id"], given["model_path"], given["seed"]) == ("run", str(tmp_path / "m.pt"), 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_the_training(number, mri_denoise, monkeypatch):
    said = []

    def training(run_id, **_):
        try:
            os.kill(os.getpid(), number)
            time.sleep(20)
        except KeyboardInterrupt as interruption:
            said.append(str(interruption))
            raise

    monkeypatch.setattr("monai.bundle.run", training)
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)  # the tests run under nohup
    handler = signal.getsignal(number)
    assert mri_denoise("train").code == 130
    assert said == ["" if number == signal.SIGINT else number.name]
    assert signal.getsignal(number) == handler


def test_a_mistyped_id_ends_the_real_training_in_one_line(repository, tmp_path, mri_denoise, monkeypatch):
    monkeypatch.chdir(repository)
    outcome = mri_denoise("train", "--output-dir", tmp_path, "max_epoch=3")
    assert outcome.code == 1
    assert "error: --max_epoch: no such key" in outcome.err and "did you mean --max_epochs?" in outcome.err
    assert "Traceback" not in outcome.err and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/o/x.png"), "error: /o/x.png: No space left on device; make room or"),
        (OSError(30, "Read-only file system"), "error: output: Read-only file system; make room or give another"),
        (InputError("scan.nii: damaged; copy it again"), "error: scan.nii: damaged; copy it again"),
    ],
)
def test_a_full_disk_or_bad_scan_ends_the_training_in_one_line(error, said, mri_denoise, monkeypatch):
    def training(run_id, **_):
        raise RuntimeError("Failed to evaluate\nmany lines") from error

    monkeypatch.setattr("monai.bundle.run", training)
    outcome = mri_denoise("train")
    assert outcome.code == 1 and outcome.err.startswith(said) and outcome.err.count("\n") == 1


def test_demo_checks_the_place_of_the_picture_first(tmp_path, mri_denoise):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for name, said in (("file/demo.png", "file is not a folder"), ("folder.png", "is a folder")):
        outcome = mri_denoise("demo", "--output", tmp_path / name)
        assert outcome.code == 1 and outcome.err.count("\n") == 1 and said in outcome.err and not outcome.out


def test_demo_draws_png_only(tmp_path, mri_denoise):
    outcome = mri_denoise("demo", "--output", tmp_path / "demo.xyz")
    assert outcome.code == 1 and outcome.err == f"error: {tmp_path}/demo.xyz: the picture is a PNG; end it in .png\n"


def test_demo_draws_a_picture_and_says_what_was_gained(tmp_path, identity, mri_denoise, monkeypatch):
    across, along = np.mgrid[-1:1:40j, -1:1:36j]
    phantom = np.repeat((np.hypot(across, along) < 0.8)[..., None] * np.linspace(500, 900, 20), 1, axis=2)
    nibabel.save(nibabel.Nifti1Image(phantom.astype(np.float32), np.eye(4)), tmp_path / "phantom.nii")
    asked = []

    def phantom_datalist(*arguments, **settings):
        asked.append((arguments, settings))
        return [{"image": str(tmp_path / "phantom.nii")}]

    monkeypatch.setattr("monai_unsup_denoise.data.phantom_datalist", phantom_datalist)
    outcome = mri_denoise("demo", "--output", tmp_path / "demo.png", "--model", identity)
    assert outcome.code == 0, outcome.err
    assert asked == [((None, [11]), {"contrasts": ["T1w"]})]
    noisy, denoised, sigma, _ = outcome.out.splitlines()
    # Sigma is 0.15: the mean square error is sigma^2 in bright tissue, 2 sigma^2 in air.
    assert -10 * np.log10(2 * 0.15**2) < float(noisy.split()[2]) < -10 * np.log10(0.15**2)
    assert float(denoised.split()[2]) > float(noisy.split()[2]), (
        "the weights change nothing, but the refinement stage does"
    )
    assert sigma.endswith("true 15.0 %")
    assert min(Image.open(tmp_path / "demo.png").size) > 300


def test_the_version_and_the_help_come_without_loading_torch(repository):
    script = (
        "import sys\nfrom monai_unsup_denoise.cli import main\n"
        "try:\n    main([sys.argv[1]])\n"
        "finally:\n    print(sorted({'torch', 'monai', 'numpy', 'nibabel', 'itk'} & set(sys.modules)))\n"
    )
    for option, expected in (("--version", f"mri-denoise {__version__}"), ("--help", "not a medical device")):
        command = [sys.executable, "-c", script, option]
        done = subprocess.run(command, capture_output=True, text=True, cwd=repository, check=True)
        assert expected in done.stdout and done.stdout.endswith("[]\n")


def commands() -> list[str]:
    return [info.name or info.callback.__name__.replace("_", "-") for info in app.registered_commands]


@pytest.mark.parametrize("command", commands())
def test_every_command_has_a_help(command, mri_denoise):
    outcome = mri_denoise(command, "--help")
    assert outcome.code == 0 and f"mri-denoise {command}" in outcome.out


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_renamed_option_works_with_a_warning(old, new, capsys):
    assert with_new_names(["denoise", old, "--model=m"]) == ["denoise", new, "--model=m"]
    assert capsys.readouterr().err.startswith(f"warning: {old} is now {new}; ")
    assert with_new_names([f"{old}=x"]) == [f"{new}=x"]
    commands = [get_command(app).commands[name] for name in ("denoise", "benchmark")]
    assert new.replace("--no-", "--") in {name for one in commands for option in one.params for name in option.opts}


@pytest.mark.parametrize("command", ["denoise", "bids"])
@pytest.mark.parametrize("option", ["--correlated-noise", "--no-correlated-noise", "--white-noise"])
def test_an_option_that_is_gone_is_an_error_in_one_line(command, option, mri_denoise):
    outcome = mri_denoise(command, "in", "out", option)
    assert outcome.code == 1 and outcome.err == f"error: {option}: correlation is read from the scan; leave it out\n"


@pytest.mark.parametrize("command", ["train", "evaluate", "demo", "benchmark"])
def test_a_missing_extra_is_named_in_one_line(command, mri_denoise, monkeypatch):
    monkeypatch.setattr("monai_unsup_denoise.extras.find_spec", lambda name: None)
    outcome = mri_denoise(command)
    extra = "benchmark" if command == "benchmark" else "train"
    assert outcome.code == 1 and outcome.err.count("\n") == 1
    assert outcome.err.endswith(f": not installed; pip install 'monai-unsup-denoise[{extra}]'\n")


@pytest.mark.parametrize("command", ["denoise", "bids"])
def test_every_switch_of_the_settings_is_an_option(command):
    from monai_unsup_denoise.inference import DenoiseSettings

    options = {option.name: option for option in get_command(app).commands[command].params}
    for name in DenoiseSettings().switches():
        flag = name.replace("_", "-")
        assert (options[name].opts, options[name].secondary_opts) == ([f"--{flag}"], [f"--no-{flag}"])
        assert options[name].default is None, "left out, the bundle decides"
