"""The layer picture of the project, kept true: imports point down, never up and never sideways."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import monai_unsup_denoise

PACKAGE = "monai_unsup_denoise"
#: The package's own `__init__`, which offers names of `inference`: above it, and nothing below may import them there.
FRONT = "__init__"
LAYER = {
    "functional": 0,
    "networks": 1,
    "losses": 1,
    "io": 1,
    "scan_report": 1,
    "transforms": 1,
    "data": 2,
    "inference": 2,
    "training": 3,
    "tracking": 3,
    "export": 3,
    "benchmark": 3,
    "dicom_node": 3,
    "cli": 4,
}


def imported_modules(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of all that `source` imports, at any depth; a relative name starts with a dot."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def violations(home: str, source: str) -> list[str]:
    """What in `source`, a file of the folder `home` ("" for the package's own files), breaks the picture."""
    found = []
    own = LAYER["inference"] + 1 if home == FRONT else LAYER.get(home, 0)
    for line, name in imported_modules(source):
        top, _, rest = name.partition(".")
        target = "inference" if rest in monai_unsup_denoise.__all__ else rest.partition(".")[0]
        if not top:
            found.append(f"line {line}: relative import {name}; write the full name")
        elif top in ("transforms", "bundles"):
            found.append(f"line {line}: import {name}; its name is {PACKAGE}.{name}")
        elif top == PACKAGE and target in LAYER and target != home and LAYER[target] >= own:
            found.append(f"line {line}: {home or PACKAGE} imports {target}, which is not below it")
    return found


def sources(repository: Path) -> Iterator[tuple[str, Path]]:
    """The folder's name in the picture and the path of each of the project's modules."""
    package = repository / PACKAGE
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package).parts
        front = FRONT if inside == (f"{FRONT}.py",) else ""
        yield (inside[0] if len(inside) > 1 else front), path
    for path in sorted((repository / "transforms").rglob("*.py")):
        yield "transforms", path


def test_every_package_has_its_place_in_the_picture(repository):
    homes = {home for home, _ in sources(repository)} - {"", FRONT}
    assert homes == set(LAYER), "a new package needs a layer here and in setup.cfg"


def test_contributing_draws_the_same_picture(repository):
    text = (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")
    storeys = re.findall(r"^\| (\d) \| (.*) \|$", text, re.MULTILINE)
    drawn = {room: int(storey) for storey, rooms in storeys for room in re.findall(r"(?:^|· )`(\w+)`", rooms)}
    assert drawn == LAYER


def test_imports_point_down_and_never_sideways(repository):
    broken = [
        f"{path.relative_to(repository)}, {violation}"
        for home, path in sources(repository)
        for violation in violations(home, path.read_text(encoding="utf-8"))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("folder", ["tests", "bundles"])
def test_nothing_imports_transforms_or_bundles_by_their_folder(repository, folder):
    broken = [
        f"{path.relative_to(repository)}, line {line}"
        for path in sorted((repository / folder).rglob("*.py"))
        for line, name in imported_modules(path.read_text(encoding="utf-8"))
        if name.partition(".")[0] in ("transforms", "bundles")
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("home", "source"),
    [
        ("functional", "from monai_unsup_denoise.networks import Denoiser"),
        ("io", "import monai_unsup_denoise.transforms.reference"),
        ("io", "from monai_unsup_denoise import transforms"),
        ("losses", "def late():\n    from monai_unsup_denoise.networks import Denoiser"),
        ("training", "import monai_unsup_denoise.cli"),
        ("training", "from monai_unsup_denoise.tracking import RunTracker"),
        ("", "from monai_unsup_denoise.functional import add_rician_noise"),
        ("io", "from monai_unsup_denoise import denoise"),
        ("__init__", "from monai_unsup_denoise.cli import main"),
        ("cli", "import transforms"),
        ("cli", "from transforms.rician_noise import AddRicianNoise"),
        ("networks", "from .generator import Generator"),
        ("networks", "from .. import functional"),
    ],
)
def test_a_wrong_import_is_seen(home, source):
    assert len(violations(home, source)) == 1


@pytest.mark.parametrize(
    ("home", "source"),
    [
        ("transforms", "from monai_unsup_denoise.functional import add_rician_noise"),
        ("networks", "from monai_unsup_denoise.networks.generator import Generator"),
        ("cli", "from monai_unsup_denoise import __version__"),
        ("cli", "import monai.transforms, monai_unsup_denoise.inference"),
        ("data", "from monai.transforms import Compose"),
        ("cli", "from monai_unsup_denoise import denoise"),
        ("__init__", "from monai_unsup_denoise.inference import denoise"),
    ],
)
def test_a_right_import_passes(home, source):
    assert not violations(home, source)
