"""The measurement of speed: its volumes, and methods that are absent or fail. Nothing is timed."""

import sys
from pathlib import Path

import numpy as np
import pytest

from experiments.speed import METHODS, Method, fitted, flop_per_voxel, measure
from monai_unsup_denoise.benchmark.methods import Environment


def test_volume_is_cut_and_mirrored_to_its_size():
    image = np.arange(4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)
    volume = fitted(image, (2, 3, 4))
    np.testing.assert_array_equal(volume[..., 1:3], image[1:3])
    np.testing.assert_array_equal(volume[..., [0, 3]], image[1:3])
    assert fitted(image, (9, 20, 11)).shape == (9, 20, 11)


@pytest.mark.parametrize("name", METHODS)
def test_absent_package_gives_a_row_that_says_so(name):
    row = measure(METHODS[name], [Environment(Path(sys.executable), {})], threads=1, noisy=np.zeros((2, 2, 2)))
    assert row == {"voxels": 8, "status": f"{', '.join(METHODS[name].requires)} not installed: make baselines"}


def test_method_that_fails_gives_a_row_with_its_error():
    row = measure(Method("nothing", (), ("no_such_module",)), [Environment(Path(sys.executable), {})], threads=1)
    assert row["status"] == "exit code 1: ModuleNotFoundError: No module named 'no_such_module'"


def test_operations_of_a_voxel_do_not_depend_on_the_tile():
    assert flop_per_voxel(16) == pytest.approx(flop_per_voxel(8), rel=1e-3)
    assert flop_per_voxel(8) > 100_000
