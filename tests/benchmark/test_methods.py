"""The environment and weights of a method, why it is unavailable, and what its results depend on."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from monai_unsup_denoise.benchmark import methods
from monai_unsup_denoise.benchmark.methods import (
    DenoisingMethod,
    Environment,
    choose_methods,
    find_environments,
    resolve_method,
)
from monai_unsup_denoise.errors import InputError

NAMES = (
    "noisy gaussian adf adf_unbiased nlmeans sanlm ants bm3d_vst bm4d_vst noise2void dncnn cyclegan paper "
    "paper_plus paper_small ours ours_no_refinement paired"
)


@pytest.fixture(scope="module")
def entries(repository) -> dict:
    return json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())["methods"]


def test_shipped_entries_are_the_eighteen_methods(entries):
    methods = choose_methods(entries)
    assert [method.name for method in methods] == NAMES.split()
    assert len({method.title for method in methods}) == 18


def test_quick_grid_is_part_of_the_full_one(repository):
    settings = json.loads((repository / "bundles/brain_mri_denoise/configs/benchmark.json").read_text())
    assert set(settings["quick"]) - {"remark"} <= set(settings)
    assert set(settings["quick"]["levels"]) < set(settings["levels"])


@pytest.mark.parametrize("name", NAMES.split())
def test_shipped_entry_is_complete(name, entries, repository, tmp_path):
    """It is available if its packages and weights are there, and its class is where the entry says."""
    [method] = choose_methods(entries, [name])
    versions = {canonicalize_name(distribution): "1" for distribution in method.requires}
    (tmp_path / str(method.weights)).write_bytes(b"weights")
    configs = repository / "bundles/brain_mri_denoise/configs"
    resolved = resolve_method(
        method, environments=[Environment(Path("python"), versions)], model_folders=[tmp_path], configs=configs
    )
    assert resolved.unavailable_reason is None
    assert not (set(method.requires) - {"torch", "scipy", "itk"}) or method.install


def test_unknown_method_is_refused_with_the_known_ones(entries):
    with pytest.raises(InputError, match="--method bm5d: no such method; choose from noisy, gaussian, "):
        choose_methods(entries, ["noisy", "bm5d"])


def test_methods_keep_the_order_of_the_entries(entries):
    assert [method.name for method in choose_methods(entries, ["ours", "noisy", "ours"])] == ["noisy", "ours"]


def test_method_runs_where_its_packages_are(tmp_path):
    here = Environment(Path("here"), {"numpy": "2"})
    baselines = Environment(Path("baselines"), {"numpy": "2", "cat-surf": "1.1.6"})
    method = DenoisingMethod("m", "M", "toy_methods.Shrink", requires=["cat_surf", "numpy"], install="make baselines")
    find = {"model_folders": [], "configs": tmp_path}
    resolved = resolve_method(method, environments=[here, baselines], **find)
    assert resolved.python == Path("baselines") and resolved.versions == "cat_surf 1.1.6; numpy 2"
    lacking = resolve_method(method, environments=[here], **find)
    assert lacking.unavailable_reason == "cat_surf not installed: make baselines"


def test_this_environment_comes_first_with_its_packages():
    [here, *_] = find_environments()
    assert here.versions["numpy"] == version("numpy")
    assert here.missing(["numpy", "Scikit_Image", "no-such-thing"]) == ["no-such-thing"]


def test_interpreter_in_the_current_folder_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    python = tmp_path / ".baselines" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\ntouch "$(dirname "$0")/run"\necho \'{"Cat_Surf": "1.1"}\'\n')
    python.chmod(0o755)
    assert python not in [environment.python for environment in find_environments()]
    assert not (python.parent / "run").exists()
    monkeypatch.setattr(methods, "BASELINES_PYTHON", tmp_path / "none")
    assert len(find_environments()) == 1
    assert find_environments(python)[1] == Environment(python, {"cat-surf": "1.1"})
    monkeypatch.setattr(methods, "BASELINES_PYTHON", python)  # as in a checkout
    assert find_environments()[1].python == python


def test_interpreter_of_the_checkout_is_the_default(repository):
    assert methods.BASELINES_PYTHON == repository / ".baselines" / "bin" / "python"


@pytest.mark.parametrize("content", [None, "#!/bin/sh\nexit 1\n"])
def test_file_that_is_no_interpreter_is_refused(content, tmp_path):
    python = tmp_path / "python"
    if content:
        python.write_text(content)
        python.chmod(0o755)
    with pytest.raises(InputError, match=f"{python}: not a working Python"):
        find_environments(python)


def test_weights_come_from_the_first_folder_that_has_them(tmp_path, environments):
    method = DenoisingMethod("m", "M", "toy_methods.Shrink", weights="model_x.pt", install="make train-baselines")
    folders = [tmp_path / "mine", tmp_path / "bundle"]
    find = {"environments": environments, "model_folders": folders, "configs": tmp_path}
    assert resolve_method(method, **find).unavailable_reason == "model_x.pt not found: make train-baselines"
    for folder in reversed(folders):
        folder.mkdir()
        (folder / "model_x.pt").write_bytes(folder.name.encode())
        assert resolve_method(method, **find).parameters == {"model": str(folder / "model_x.pt")}


@pytest.mark.parametrize("target", ["no_such_module.Method", "no.such.module.Method", "monai_unsup_denoise.no.Method"])
def test_missing_module_makes_a_method_unavailable(target, make):
    assert make(target).unavailable_reason == f"{target}: no such module; check its dotted path"


def test_digest_follows_weights_and_configs(tmp_path, make):
    (tmp_path / "models").mkdir()
    entry = {"weights": "model_x.pt", "parameters": {"config": "inference_x.json"}}
    digests = []
    for weights, base, over in [("a", "{}", "{}"), ("b", "{}", "{}"), ("b", "[]", "{}"), ("b", "[]", '{"a": 1}')] * 2:
        (tmp_path / "models" / "model_x.pt").write_text(weights)
        (tmp_path / "inference.json").write_text(base)
        (tmp_path / "inference_x.json").write_text(over)
        digests.append(make("Shrink", **entry).digest)
    assert len(set(digests)) == 4 and digests[:4] == digests[4:]


@pytest.mark.parametrize(
    ("changed", "target", "config", "is_new"),
    [
        ("baselines/gaussian.py", "gaussian.GaussianBlur", None, True),
        ("baselines/parameters.json", "gaussian.GaussianBlur", None, True),
        ("functional/rician.py", "gaussian.GaussianBlur", None, True),
        ("networks/denoiser.py", "gaussian.GaussianBlur", None, False),
        ("networks/denoiser.py", "bundle_model.BundleModel", "inference.json", True),
        ("inference/denoiser.py", "bundle_model.BundleModel", "inference.json", True),
        ("report/tables.py", "bundle_model.BundleModel", "inference.json", False),
    ],
)
def test_digest_follows_the_code_of_a_method(changed, target, config, is_new, tmp_path, make, monkeypatch):
    (tmp_path / "inference.json").write_text("{}")
    entry = {"parameters": {"config": config} if config else {}}
    target = f"monai_unsup_denoise.benchmark.baselines.{target}"
    before = make(target, **entry).digest
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"#" * path.as_posix().endswith(changed))
    assert (make(target, **entry).digest != before) == is_new
