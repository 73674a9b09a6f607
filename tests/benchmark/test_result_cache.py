"""The cache of results: nothing is computed twice, and everything again whose inputs changed."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.cases import make_cases
from monai_unsup_denoise.benchmark.methods import Environment
from monai_unsup_denoise.benchmark.result_cache import ResultCache


def test_finished_cell_is_not_computed_again(run, make, log):
    first = run(make("Shrink", parameters={"log": log.path}))
    again = run(make("Shrink", parameters={"log": log.path}))
    assert log.calls() == 2
    pd.testing.assert_frame_equal(first, again)


def test_longer_grid_computes_only_new_cells(run, make, log, volume):
    run(make("Shrink", parameters={"log": log.path}))
    run(make("Shrink", parameters={"log": log.path}), on=make_cases([volume], [5, 10, 15], [0]))
    assert log.calls() == 3


@pytest.mark.parametrize("changed", ["parameters", "given_sigma", "volume", "slices", "versions"])
def test_cell_is_computed_again_when_its_inputs_change(changed, run, make, log, volume, environments):
    entry = {"parameters": {"log": log.path}, "requires": ["numpy"]}
    prepared = make("Shrink", **entry)
    run(prepared)
    cases = None
    if changed == "parameters":
        prepared = make("Shrink", **entry | {"parameters": {"log": log.path, "factor": 0.8}})
    elif changed == "given_sigma":
        prepared = make("Shrink", **entry, given_sigma=True)
    elif changed == "volume":
        cases = make_cases([replace(volume, clean=volume.clean**2)], [5, 15], [0])
    elif changed == "slices":
        cases = make_cases([replace(volume, last=12)], [5, 15], [0])
    elif changed == "versions":
        environments[0] = Environment(environments[0].python, environments[0].versions | {"numpy": "0.1"})
        prepared = make("Shrink", **entry)
    run(prepared, **({"on": cases} if cases else {}))
    assert log.calls() == 4


def test_cell_is_computed_again_when_its_weights_change(run, make, log, tmp_path):
    (tmp_path / "models").mkdir()
    for content, expected in (("a", 2), ("a", 2), ("b", 4)):
        (tmp_path / "models" / "model.pt").write_text(content)
        run(make("Shrink", parameters={"log": log.path}, weights="model.pt"))
        assert log.calls() == expected
    assert Path(log.path).read_text().split()[2] == str(tmp_path / "models" / "model.pt")


def test_cell_is_computed_again_when_its_code_changes(run, make, log, write_module):
    for factor, expected in ((2, 2), (2, 2), (3, 4)):
        target = write_module("own", f"open({log.path!r}, 'a').write('x\\n'); return noisy * {factor}")
        run(make(target))
        assert log.calls() == expected


@pytest.mark.parametrize("damage", ["cut", "empty", "no object", "picture cut", "picture changed", "picture gone"])
def test_damaged_cell_is_named_and_computed_again(damage, run, make, log, tmp_path):
    methods = make("Shrink", parameters={"log": log.path})
    first = run(methods)
    cell = tmp_path / "out" / "cells" / "head" / "15_0" / "shrink.json"
    picture = cell.with_suffix(".npz")
    if damage == "cut":
        cell.write_text(cell.read_text()[:99])
    elif damage == "empty":
        cell.write_text("")
    elif damage == "no object":
        cell.write_text("[1, 2]")
    elif damage == "picture cut":
        picture.write_bytes(picture.read_bytes()[:99])
    elif damage == "picture changed":
        content = picture.read_bytes()
        picture.write_bytes(content[:200] + bytes(200) + content[400:])
        assert ResultCache(tmp_path / "out" / "cells").find_images("head", 15, 0, "shrink") is None
    else:
        picture.unlink()
    again = run(methods)
    [line] = run.said
    assert line.startswith(f"{cell}: damaged cell") and line.endswith("it is computed again")
    assert log.calls() == 3
    pd.testing.assert_frame_equal(
        again.drop(columns=["seconds", "peak_mib"]), first.drop(columns=["seconds", "peak_mib"])
    )
    run(methods)
    assert log.calls() == 3 and len(run.said) == 1
