"""The commands on the pages exist: make targets, commands of `mri-denoise`, and their options."""

import json
import re
from importlib.util import find_spec

import pytest
import typer

from monai_unsup_denoise.cli import app
from tests_docs.shell_blocks import commands

GROUP = typer.main.get_command(app)
#: These pass options on to MONAI's command: any id of the config is an option.
PASS_ON = ("train", "evaluate")
#: Pages about the past name what is gone.
OF_THE_PAST = {"CHANGELOG.md", "renamed_in_0.6.md"}


@pytest.fixture(scope="module")
def texts(sources):
    """The text of each page, by its name; of the pages about today."""
    return {path: path.read_text(encoding="utf-8") for path in sources if path.name not in OF_THE_PAST}


@pytest.fixture(scope="module")
def targets(repository):
    makefiles = [repository / "Makefile", *sorted((repository / "make").glob("*.mk"))]
    return {
        name for path in makefiles for name in re.findall(r"^([a-z][a-z-]*):", path.read_text("utf-8"), re.MULTILINE)
    }


@pytest.fixture(scope="module")
def config_ids(repository):
    configs = (repository / "bundles/brain_mri_denoise/configs").glob("*.json")
    return {name for path in configs for name in json.loads(path.read_text(encoding="utf-8"))}


def options_of(name):
    command = GROUP.commands[name]
    context = command.make_context(name, [], resilient_parsing=True)
    return {
        option for parameter in command.get_params(context) for option in (*parameter.opts, *parameter.secondary_opts)
    }


def test_make_targets_exist(texts, targets):
    named = [(path, word) for path, text in texts.items() for words in commands(text, "make") for word in words[:1]]
    wrong = [
        f"{path.name}: make {word}" for path, word in named if re.fullmatch(r"[a-z-]+", word) and word not in targets
    ]
    assert len({word for _, word in named} & targets) > 15
    assert not wrong, "\n".join(wrong)


def test_commands_exist(texts):
    named = [(path, words[0]) for path, text in texts.items() for words in commands(text, "mri-denoise") if words]
    wrong = [
        f"{path.name}: mri-denoise {word}"
        for path, word in named
        if word not in GROUP.commands and word[0] != "-" and not word.isupper()
    ]
    assert {word for _, word in named} >= {"denoise", "train", "bids", "listen", "benchmark", "trust"}
    assert not wrong, "\n".join(wrong)


def test_options_exist(texts, config_ids):
    seen, wrong = 0, []
    for path, text in texts.items():
        for name, *words in filter(None, commands(text, "mri-denoise")):
            if name not in GROUP.commands:
                continue
            for option in (word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)):
                known = option in options_of(name)
                seen += 1
                if not known and not (name in PASS_ON and option.lstrip("-").split("#")[0] in config_ids):
                    wrong.append(f"{path.name}: mri-denoise {name} {option}")
    assert seen > 40
    assert not wrong, "\n".join(wrong)


def test_python_modules_and_scripts_exist(texts, repository):
    seen, wrong = set(), []
    for path, text in texts.items():
        for words in commands(text, "python"):
            if words[:1] == ["-m"]:
                seen.add(words[1])
                wrong += [] if find_spec(words[1]) else [f"{path.name}: python -m {words[1]}"]
            elif words and words[0].startswith(("apps/", "docs/", "experiments/")):
                seen.add(words[0])
                wrong += [] if (repository / words[0]).is_file() else [f"{path.name}: python {words[0]}"]
    assert seen >= {"monai.bundle", "experiments.figures", "apps/federated/job.py"}
    assert not wrong, "\n".join(wrong)


def test_every_command_has_its_help_on_the_site(pages, site):
    assert pages[site / "docs/site/commands.html"].ids >= {f"mri-denoise-{name}" for name in GROUP.commands}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("mri-denoise denoise a b --report", ["denoise", "a", "b", "--report"]),
        (".venv/bin/mri-denoise trust | tee log", ["trust"]),
        ("mri-denoise denoise a \\\n    --jobs 2", ["denoise", "a", "--jobs", "2"]),
        ("cd x && mri-denoise demo  # draws", ["demo"]),
    ],
)
def test_a_shown_command_is_found(line, words):
    assert list(commands(f"```bash\n{line}\n```\n", "mri-denoise")) == [words]


def test_a_command_in_a_tutorial_is_found():
    cell = "```{code-cell} python\n%%bash\nset -e\nmri-denoise train --epochs 1\n```\n"
    assert list(commands(cell, "mri-denoise")) == [["train", "--epochs", "1"]]


def test_an_image_of_that_name_is_no_command():
    assert not list(commands("```bash\ndocker run --rm mri-denoise /data /out participant\n```\n", "mri-denoise"))
