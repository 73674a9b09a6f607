"""Which files a result depends on."""

import pytest

from monai_unsup_denoise.benchmark.source_files import code_digest, source_files
from monai_unsup_denoise.errors import InputError

FILES = {
    "__init__.py": "from toybox.shop import Hammer, Saw\n",
    "shop/__init__.py": "from toybox.shop.hammer import Hammer\nfrom toybox.shop.saw import Saw\n",
    "shop/hammer.py": (
        '"""A tool."""\nfrom pathlib import Path\nimport numpy\n'
        "class Hammer:\n    def __call__(self):\n        from toybox import wood\n"
        '        return wood.oak, Path(__file__).with_name("sizes.json")\n'
    ),
    "shop/saw.py": "class Saw:\n    pass\n",
    "shop/sizes.json": "[1]",
    "shop/other.json": "[2]",
    "wood.py": "from toybox.shop.hammer import Hammer\noak = 1\n",
}


@pytest.fixture
def toybox(tmp_path, monkeypatch):
    for name, content in FILES.items():
        path = tmp_path / "toybox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "toybox"


@pytest.mark.parametrize("target", ["toybox.Hammer", "toybox.shop.Hammer", "toybox.shop.hammer.Hammer"])
def test_the_files_are_the_definition_what_it_imports_and_data_it_names(toybox, target):
    found = {str(path.relative_to(toybox)) for path in source_files(target)}
    assert found == {"shop/hammer.py", "shop/sizes.json", "wood.py"}


@pytest.mark.parametrize(
    ("name", "old", "new", "counts"),
    [
        ("shop/hammer.py", "wood.oak", "wood.oak + 1", True),
        ("wood.py", "oak = 1", "oak = 2", True),
        ("shop/sizes.json", "[1]", "[3]", True),
        ("shop/saw.py", "pass", "x = 1", False),
        ("shop/other.json", "[2]", "[3]", False),
        ("shop/hammer.py", "A tool.", "A heavy tool.", False),
        ("wood.py", "oak = 1", "oak = 1  # hard", False),
    ],
)
def test_the_digest_changes_with_what_counts_alone(toybox, name, old, new, counts):
    before = code_digest("toybox.Hammer")
    path = toybox / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (code_digest("toybox.Hammer") != before) == counts


@pytest.mark.parametrize("target", ["nothing.Here", "toybox.shop.nothing.Here", "Here"])
def test_a_module_that_is_not_there_is_named(toybox, target):
    with pytest.raises(InputError, match=f"{target}: no such module"):
        source_files(target)


def test_our_own_methods_take_their_helpers_along():
    found = {path.name for path in source_files("monai_unsup_denoise.benchmark.baselines.collaborative.BM4D")}
    assert found == {"collaborative.py", "variance_stabilization.py"}
    found = {path.name for path in source_files("monai_unsup_denoise.inference.BundleModel")}
    assert {"bundle_denoiser.py", "volume_denoiser.py"} <= found and "trainer.py" not in found
