"""The distance of a scan from known ones."""

import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.functional.scan_statistics import NAMES, scan_statistics
from monai_unsup_denoise.inference.known_scans import NEIGHBOURS, KnownScans


def write_table(path, rows):
    path.write_text("\n".join([",".join(NAMES), *(",".join(f"{value:.6g}" for value in row) for row in rows)]) + "\n")
    return path


def image(number: int, *, scale: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(number)
    return (0.5 + scale * rng.standard_normal((16, 16, 16)).cumsum(0)).clip(0).astype(np.float32)


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "known.csv", [scan_statistics(image(number)) for number in range(40)])


def test_known_scans_are_near_and_others_are_far(table):
    known = KnownScans(table, limit=6.0)
    assert known.distance(image(3)) < 1 and known.distance(image(100)) < 1
    assert known.distance(np.ones((16, 16, 16))) > 1 and known.distance(image(3, scale=0.01)) > 1


def test_distance_is_that_of_the_fifth_neighbour(tmp_path):
    one = scan_statistics(image(0))
    rows = [one + step for step in range(8)]  # in each number, so that the deviations are alike
    known = KnownScans(write_table(tmp_path / "known.csv", rows), limit=1.0)
    steps = np.arange(8) - np.arange(8).mean()
    expected = (NEIGHBOURS - 1) / steps.std() * np.sqrt(len(NAMES))
    assert known.distance(image(0)) == pytest.approx(expected, rel=1e-4)
    assert KnownScans(tmp_path / "known.csv", limit=2.0).distance(image(0)) == pytest.approx(expected / 2, rel=1e-4)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", ",".join(NAMES) + "\n" + ",".join(["1"] * 12) + "\n"])
def test_other_tables_are_refused(tmp_path, content):
    (tmp_path / "known.csv").write_text(content)
    with pytest.raises(InputError, match=r"known\.csv: .*give that of the bundle"):
        KnownScans(tmp_path / "known.csv", limit=1.0)


def test_missing_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="no table of scan statistics"):
        KnownScans(tmp_path / "known.csv", limit=1.0)
