"""A few damaged scans and interrupted writes; `make fuzz` tries thousands."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.reliability.fuzz import Fuzz
from tests.reliability.good_files import VOXELS
from tests.reliability.interruptions import WRITES, interruptions
from tests.reliability.traced import can_trace, traced


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory) -> Fuzz:
    return Fuzz(17, tmp_path_factory.mktemp("fuzz"))


def test_parsers_of_the_tests_read_what_was_written(fuzz):
    for name, (values, _) in fuzz.truth.items():
        np.testing.assert_allclose(values, 0.5 * VOXELS + 2 if "scaled" in name else VOXELS, err_msg=name)


def test_damaged_scan_is_refused_or_read_right(fuzz):
    tried = list(fuzz.try_all(list(range(75)), processes=1))
    assert len(tried) == 75
    assert [each for each in tried if each.verdict.outcome == "escape"] == []
    assert {each.verdict.outcome for each in tried} == {"refused", "unchanged", "as it says"}


@pytest.mark.parametrize("overwrite", [False, True])
def test_interrupted_write_leaves_whole_files(overwrite, tmp_path):
    if not can_trace():
        pytest.skip("needs Linux on x86-64, and the right to trace a child")
    write = WRITES[6 if overwrite else 2]
    found = interruptions(tmp_path, write, overwrite=overwrite, limits=3, points=5)
    assert len(found) == 8
    assert [each for each in found if each.problem] == []


def test_kill_comes_before_the_step_that_is_named(tmp_path):
    if not can_trace():
        pytest.skip("needs Linux on x86-64, and the right to trace a child")

    def write() -> None:
        (tmp_path / "a").write_text("x")
        os.rename(tmp_path / "a", tmp_path / "b")

    assert traced(write, tmp_path, kill_at=2) == ["open", "write"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
