"""MONAI searches every loaded module with a name that starts with ``monai``, ours too: names must not clash."""

import re
from importlib.util import find_spec
from pathlib import Path

DEFINED = re.compile(r"^(?:class|def)\s+(\w+)", re.MULTILINE)
ALIASED = re.compile(r"^((?:[A-Z]\w+ = )+)[A-Z]\w+$", re.MULTILINE)
CLASS = re.compile(r"^class\s+(\w+)", re.MULTILINE)


def names_of_monai() -> set[str]:
    """Every class, function and alias (RandFood = RandFooD = RandFooDict) that a module of MONAI defines."""
    names = set()
    for path in Path(find_spec("monai").origin).parent.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        names.update(DEFINED.findall(source))
        for chain in ALIASED.findall(source):
            names.update(chain.removesuffix(" = ").split(" = "))
    return names


def test_no_class_shares_a_name_with_monai(repository):
    ours = {
        name: path.relative_to(repository)
        for folder in ("monai_unsup_denoise", "transforms")
        for path in (repository / folder).rglob("*.py")
        for name in CLASS.findall(path.read_text(encoding="utf-8"))
    }
    taken = names_of_monai()
    assert {"GanTrainer", "PatchDiscriminator", "RandRicianNoised", "RandRicianNoiseDict"} <= taken
    clashes = [f"{path}: {name}" for name, path in ours.items() if name in taken]
    assert not clashes, clashes


def test_test_names_have_at_most_60_characters(repository):
    long = [
        f"{path.relative_to(repository)}: {name}"
        for folder in ("tests", "tests_apps", "tests_scale")
        for path in (repository / folder).rglob("*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
        if len(name) > 60
    ]
    assert not long, long
