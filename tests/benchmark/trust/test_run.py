"""The table of all checks: right numbers, nothing computed twice, what cannot run is said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.cases import Volume
from monai_unsup_denoise.benchmark.trust import run
from monai_unsup_denoise.benchmark.trust.lesions import Lesion
from monai_unsup_denoise.benchmark.trust.levels import LEVELS
from monai_unsup_denoise.benchmark.trust.rayleigh import DISTANCES, Pair
from monai_unsup_denoise.benchmark.trust.spots import sphere
from monai_unsup_denoise.benchmark.trust.subjects import Slab, Subject
from monai_unsup_denoise.errors import InputError

SHAPE = (60, 56, 40)
UNCHANGED = "monai_unsup_denoise.benchmark.baselines.unchanged.Unchanged"
CALLS = 9  # volumes that are denoised of each subject: ten, of which two are the same


def small_head(number, *, slices):
    """Blocks of tissue with lesions and pairs on a grid."""
    tissue = np.zeros(SHAPE, dtype=np.int16)
    for label, (first, last) in {3: (10, 30), 2: (30, 40), 1: (40, 45), 4: (45, 50)}.items():
        tissue[first:last, 5:-5, 4:-4] = label
    clean = np.choose(tissue, [0, 0.9, 0.7, 0.6, 0.5]).astype(np.float32)
    places = [(x, y, z) for x in (14, 26) for y in (12, 28, 44) for z in (12, 28)]
    lesions = [
        Lesion("white matter", place, (2, 4, 8)[n % 3], (1, 3, 8)[n // 3 % 3], sphere(2.0))
        for n, place in enumerate(places)
    ]
    pairs = [Pair(DISTANCES[n % 4], place) for n, place in enumerate(places)]
    return Subject(f"head_{number}", Slab(clean, tissue), Slab(clean[..., 1:], tissue[..., 1:]), lesions, pairs)


@pytest.fixture
def trust(tmp_path, monkeypatch):
    """Check methods on two small heads."""
    monkeypatch.setattr(run, "load_subject", small_head)

    def check(*methods, **changes):
        settings = {"level": 5.0, "kinds": ["white"], "slices": 40, "folder": tmp_path / "out"} | changes
        return run.run_trust(methods, [1, 2], **settings)

    return check


def value(table, check, group, method="noisy"):
    chosen = table[(table["method"] == method) & (table["check"] == check) & (table["group"] == group)]
    return float(chosen["value"].iloc[0])


def test_noise_left_as_it_is_keeps_all_and_halving_halves(trust, make, tmp_path):
    table = trust(make(UNCHANGED, "noisy"), make("Shrink", "half", parameters={"factor": 0.5}))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out" / "trust.csv"), table, check_dtype=False)
    assert list(table.columns) == list(run.COLUMNS)
    assert value(table, "NRMSE after / before", "worst head") == 1
    assert value(table, "lesion contrast kept", "4 mm, CNR 3") == pytest.approx(1, abs=0.02)
    assert value(table, "lesion contrast kept", "4 mm, CNR 3", "half") == pytest.approx(0.5, abs=0.02)
    assert value(table, "mean", "PDw, white matter", "half") == pytest.approx(-0.5, abs=0.01)
    assert value(table, "volume", "T1w, CSF", "half") == -1, "half of it is nearer to white matter"
    kept = [value(table, "artefact", "zipper", name) for name in ("noisy", "half")]
    assert kept[1] == pytest.approx(0.5 * kept[0], rel=1e-3)
    assert np.isnan(value(table, "one spot or two, AUC", "3 mm")), "three places are too few for an observer"


def test_what_is_finished_is_not_computed_again(trust, make, log):
    method = make("Shrink", parameters={"log": log.path})
    first = trust(method)
    assert log.calls() == 2 * CALLS
    pd.testing.assert_frame_equal(trust(method), first)
    assert log.calls() == 2 * CALLS
    trust(method, level=10.0)
    assert log.calls() == 4 * CALLS


def test_every_level_has_rows_of_its_own(trust, make, monkeypatch):
    monkeypatch.setattr(
        run, "load_slabs", lambda: {"T1w": Volume("T1w", small_head(1, slices=40).pdw.clean, 0, SHAPE[2] - 1)}
    )
    table = trust(make("Shrink", parameters={"factor": 0.5}), every_level=True)
    rows = table[table["level"].isna()].set_index("group")["value"]
    assert list(rows.index) == [*(f"T1w, {level:g} %" for level in LEVELS), "T1w"]
    assert rows["T1w, 0.5 %"] > 10 > rows["T1w, 20 %"] > 0.5
    clean = small_head(1, slices=40).pdw.clean
    assert rows["T1w"] == pytest.approx(-10 * np.log10(np.mean(np.square(0.5 * clean))), abs=1e-3)


def test_methods_are_told_sigma_if_they_are_given_it(trust, make, log):
    trust(make("Shrink", given_sigma=True, parameters={"log": log.path}), level=7.0)
    trust(make("Shrink", "blind", parameters={"log": log.path}), level=7.0)
    told = [line.split()[1] for line in Path(log.path).read_text().splitlines()]
    assert told == ["0.07"] * 2 * CALLS + ["None"] * 2 * CALLS


def test_a_method_that_cannot_run_is_named(trust, make):
    with pytest.raises(InputError, match=r"--method shrink: x.pt not found: make train-published"):
        trust(make("Shrink", weights="x.pt", install="make train-published"))
