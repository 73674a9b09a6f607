"""The same sixty inputs through command line, bundle command and Python: the same verdicts, in the same words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise import denoise
from monai_unsup_denoise.cli import main
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.io.volumes import open_volumes
from tests.reliability.identity import identity_denoiser
from tests.reliability.sixty_inputs import INPUTS, write_inputs

EXPECTED = {each.name: each.refusal for each in INPUTS}


@pytest.fixture(scope="module")
def paths(tmp_path_factory) -> dict[str, Path]:
    return write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def config(tmp_path_factory, repository) -> Path:
    """The bundle's inference config with a small untrained network, which returns its input, and its weights."""
    configs = tmp_path_factory.mktemp("bundle") / "configs"
    configs.mkdir()
    content = json.loads((repository / "bundles/brain_mri_denoise/configs/inference.json").read_text())
    content |= {"channels": [4, 6, 8], "refine": False, "varying_noise": False}
    content["model_path"] = str(configs / "model.pt")
    (configs / "inference.json").write_text(json.dumps(content))
    parser = ConfigParser(content)
    torch.save(parser.get_parsed_content("network_def").state_dict(), configs / "model.pt")
    return configs / "inference.json"


def assert_refusals_are_expected(refusals: dict[str, str], paths: dict[str, Path]) -> None:
    """One line each, of the words in the table, that names the input."""
    assert {name for name, line in refusals.items() if line} == {name for name, words in EXPECTED.items() if words}
    for name, line in refusals.items():
        if line:
            assert EXPECTED[name] in line and str(paths[name]) in line and "\n" not in line, (name, line)


def of_each(text: str, paths: dict[str, Path]) -> dict[str, str]:
    """The refusals in what a command prints about a folder of all, by input."""
    found = dict.fromkeys(paths, "")
    _, _, listed = text.partition("scans could not be denoised:\n")
    for line in (line.strip() for line in listed.splitlines() if line.startswith("  ")):
        [name] = [name for name, path in paths.items() if line.startswith((f"{path}:", f"{path}{os.sep}", f"{path} ("))]
        found[name] = line
    return found


def written(folder: Path, paths: dict[str, Path]) -> set[str]:
    """The inputs whose results are in a folder, by name."""
    numbers = {path.parent.name: name for name, path in paths.items()}
    return {numbers[path.name] for path in folder.iterdir() if any(path.iterdir())}


def with_python(call: Callable[[Path], object], paths: dict[str, Path]) -> dict[str, str]:
    refusals = dict.fromkeys(paths, "")
    for name, path in paths.items():
        try:
            call(path)
        except InputError as error:
            refusals[name] = str(error)
    return refusals


def test_there_are_sixty_inputs():
    assert len(EXPECTED) == len(INPUTS) == 60


def test_input_is_read_or_refused_in_one_line(paths):
    denoiser = identity_denoiser()
    refusals = dict.fromkeys(paths, "")
    for name, path in paths.items():
        try:
            volumes = open_volumes(path)
            denoiser.load(path) if volumes is None else None
        except InputError as error:
            refusals[name] = str(error)
    assert_refusals_are_expected(refusals, paths)


@pytest.mark.slow
def test_entry_points_give_the_same_verdicts(paths, config, tmp_path, capfd, repository):
    """`make fuzz` runs it; twenty seconds."""
    python = with_python(Denoiser.from_bundle(config, device="cpu").denoise, paths)
    assert_refusals_are_expected(python, paths)
    assert with_python(partial(denoise, bundle=config, device="cpu"), paths) == python

    alone = {}
    for name, path in paths.items():
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["denoise", str(path), f"{tmp_path / 'alone' / path.parent.name}/", "--bundle", str(config)])
        out, err = capfd.readouterr()
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        alone[name] = lines[0].removeprefix("error: ") if lines else ""
        assert (ended.value.code or 0) == (1 if lines else 0) and "Traceback" not in out + err
    assert alone == python

    folder = paths["nifti"].parents[1]
    command = [sys.executable, "-c", "from monai_unsup_denoise.cli import main; main()", "denoise", folder]
    done = run(*command, f"{tmp_path / 'folder'}/", "--bundle", config)
    assert done.returncode == 1 and of_each(done.stderr, paths) == python
    assert written(tmp_path / "folder", paths) == {name for name, line in python.items() if not line}

    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", config, "--dataset_dir", folder]
    done = run(*command, "--output_dir", tmp_path / "bundle", PYTHONPATH=str(repository))
    assert done.returncode == 1 and of_each(done.stdout + done.stderr, paths) == python
    assert written(tmp_path / "bundle", paths) == {name for name, line in python.items() if not line}


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
