"""The figures of docs/figures.md: what they show is what was measured, and they are on the page."""

from __future__ import annotations

import csv
import itertools
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox
from PIL import Image

from experiments.figures import __main__ as figures
from experiments.figures import method, noise_kinds, sigma_maps, speed_quality
from monai_unsup_denoise.functional import SCANNER_KINDS

LARGEST, LARGEST_TOGETHER = 250_000, 700_000  # bytes
SLICE = np.ones((5, 6))


@pytest.fixture(scope="module")
def tables(repository: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return tuple(pd.read_csv(repository / "docs" / name) for name in ("speed.csv", "benchmark/results.csv"))


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return " ".join((repository / "docs" / "figures.md").read_text(encoding="utf-8").split())


def boxes(figure: Figure) -> dict[str, Bbox]:
    """Where each text stands, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return {f"{i}: {text.get_text()}": Text.get_window_extent(text, canvas.renderer) for i, text in enumerate(texts)}


def overlapping(found: dict[str, Bbox]) -> list[tuple[str, str]]:
    return [(a, b) for a, b in itertools.combinations(found, 2) if found[a].overlaps(found[b])]


def outside(found: dict[str, Bbox], figure: Figure) -> list[str]:
    width, height = figure.get_size_inches() * figure.dpi
    return [a for a, box in found.items() if min(box.x0, box.y0) < 0 or box.x1 > width or box.y1 > height]


def test_page_shows_every_figure_and_no_other(repository, page):
    folder = repository / "docs" / "figures"
    shown = re.findall(r"!\[[^\]]{40,}\]\(figures/([^)]+)\)", page)
    assert shown == list(figures.FIGURES)
    assert {path.name for path in folder.iterdir()} == set(shown)
    for name in figures.FIGURES:
        assert f"python -m experiments.figures {Path(name).stem}" in page


def test_figures_are_small_files(repository):
    sizes = [path.stat().st_size for path in (repository / "docs" / "figures").iterdir()]
    assert max(sizes) < LARGEST
    assert sum(sizes) < LARGEST_TOGETHER


def test_pixels_of_figures_have_a_white_margin(repository):
    for path in (repository / "docs" / "figures").glob("*.png"):
        pixels = np.asarray(Image.open(path).convert("L"))
        assert (pixels[[0, -1]] == 255).all(), path.name
        assert (pixels[:, [0, -1]] == 255).all(), path.name


def test_command_draws_the_figures_that_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "FIGURES", {"one.svg": lambda: b"1", "two.png": lambda: b"2"})
    monkeypatch.setattr(sys, "argv", ["figures", "--output-dir", str(tmp_path), "two"])
    figures.main()
    assert [path.name for path in tmp_path.iterdir()] == ["two.png"]
    monkeypatch.setattr(sys, "argv", ["figures", "--output-dir", str(tmp_path)])
    figures.main()
    assert (tmp_path / "one.svg").read_bytes() == b"1"


def test_command_names_the_figures_that_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["figures", "three"])
    with pytest.raises(SystemExit):
        figures.main()
    assert "three: no such figure; choose from method, noise_kinds, speed_quality" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, in_results", [("ours", "ours"), ("dipy", "nlmeans"), ("bm4d", "bm4d_vst"), ("ants", "ants")]
)
def test_point_is_the_rows_of_the_tables(repository, tables, name, in_results):
    with (repository / "docs" / "speed.csv").open() as file:
        [seconds] = [r["seconds"] for r in csv.DictReader(file) if (r["method"], r["voxels"]) == (name, "6998400")]
    with (repository / "docs" / "benchmark" / "results.csv").open() as file:
        key = ("brainweb_t1w", "15", in_results)
        [row] = [r for r in csv.DictReader(file) if (r["volume"], r["level"], r["method"]) == key]
    found = speed_quality.points(*tables).loc[name]
    expected = float(seconds), float(row["psnr"]), row["given_sigma"] == "yes"
    assert tuple(found[["seconds", "psnr", "given_sigma"]]) == expected
    assert row["slices"] == "70-109"


def test_plane_has_a_point_for_each_method_with_both(tables):
    found = speed_quality.points(*tables)
    axis = speed_quality.speed_quality_figure(found, noisy=15.4).axes[0]
    drawn = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axis.lines if len(line.get_xdata()) == 1]
    assert drawn == list(zip(found["seconds"], found["psnr"], strict=True))
    assert set(found.index) == {"ours", "ours_no_refinement", "dipy", "sanlm", "ants", "bm4d"}


def test_page_says_what_the_plane_shows_and_leaves_out(tables, page):
    found, names = speed_quality.points(*tables), speed_quality.OTHER_NAMES
    assert found["psnr"].idxmax() == "ours"
    assert found["seconds"]["dipy"] < found["seconds"]["ours"] < found["seconds"]["bm4d"]
    left_out = set(tables[1]["method"]) - {names.get(method, method) for method in found.index}
    named = "noisy gaussian adf adf_unbiased bm3d_vst noise2void dncnn cyclegan paper paper_plus paper_small paired"
    assert left_out == set(named.split()), "name these methods on the page"
    assert set(tables[0]["method"]) - set(found.index) == {"matmul", "ours_no_refinement_float32"}
    assert len(found) == 6
    assert "PSNR against seconds for six methods" in page
    assert set(tables[0]["threads"]) == {2}
    assert "on two threads of an Intel Xeon with AMX" in page
    [machine] = tables[0]["machine"].unique()
    assert machine.startswith("Intel(R) Xeon(R)")
    assert machine.endswith("AMX")
    [version] = tables[0].loc[tables[0]["method"] == "ours", "versions"].str.extract(r"denoise ([\d.]+)")[0].unique()
    assert f"version {version} of ours" in page


def test_labels_of_the_plane_do_not_overlap(tables):
    figure = speed_quality.speed_quality_figure(speed_quality.points(*tables), noisy=15.4)
    found = boxes(figure)
    assert not overlapping(found)
    assert not outside(found, figure)
    labels = [text for text in figure.axes[0].texts if isinstance(text, Annotation)]
    extents = [Text.get_window_extent(label).padded(8) for label in labels]  # the radius of a marker
    points = [figure.axes[0].transData.transform(label.xy) for label in labels]
    assert not any(box.contains(*point) for box in extents for point in points)


def test_kinds_are_all_but_the_combination():
    assert list(noise_kinds.KINDS) == [kind for kind in SCANNER_KINDS if kind != "all_together"]


def test_panels_are_the_images_of_their_row():
    rng = np.random.default_rng(0)
    rows = [noise_kinds.Row(f"kind {i}", [rng.random((6, 4)) for _ in range(3)]) for i in range(2)]
    panels = noise_kinds.noise_kinds_figure(rows).axes
    assert len(panels) == 6
    for panel, image in zip(panels, rows[0].images + rows[1].images, strict=True):
        shown = np.rot90(panel.images[0].get_array(), -1)
        np.testing.assert_allclose(shown, image, atol=0.5 / 31)
    tops = [panel.get_position().y1 for panel in panels]
    assert min(tops[:3]) > max(tops[3:])


@pytest.mark.slow
def test_scores_of_the_kinds_are_those_of_the_benchmark(repository):
    table = pd.read_csv(repository / "docs" / "benchmark" / "noise_kinds.csv").query("kind == 'white' and level == 10")
    assert set(table["slices"]) == {noise_kinds.SLICES}
    psnr = table.set_index("method")["psnr"]
    [row] = noise_kinds.rows({"white": "White"})
    before, after = map(float, re.findall(r"\d+\.\d", row.title))
    assert before == pytest.approx(psnr["noisy"], abs=0.06)
    assert after == pytest.approx(psnr["ours"], abs=0.15)  # precision differs between processors


def maps(ratio: np.ndarray) -> sigma_maps.Maps:
    truth = np.linspace(5, 15, ratio.size).reshape(ratio.shape)
    tissue = np.zeros(ratio.shape, dtype=bool)
    tissue[2:6, 2:6] = True
    return sigma_maps.Maps("a kind", truth, ratio * truth, tissue)


def test_ratio_is_estimate_over_truth_in_tissue():
    ratio = np.full((8, 8, 3), 2.0)
    ratio[2:6, 2:6] = 1.1
    found = maps(ratio)
    np.testing.assert_allclose(found.ratio, ratio)
    assert found.range_in_tissue() == pytest.approx((1.1, 1.1))


def test_true_and_estimated_map_have_one_scale():
    found = [maps(np.full((8, 8, 3), ratio)) for ratio in (1.1, 0.9)]
    figure = sigma_maps.sigma_maps_figure(found)
    panels = [axis.images[0] for axis in figure.axes if axis.images]
    assert len(panels) == 6
    assert {panels[i].get_clim() for i in (0, 1, 3, 4)} == {(0, 15)}
    assert panels[2].get_clim() == panels[5].get_clim() == (0.8, 1.25)
    np.testing.assert_allclose(np.rot90(panels[4].get_array(), -1), found[1].estimate[..., 1])
    assert {axis.get_xlabel() for axis in figure.axes} >= {"1.10 to 1.10", "0.90 to 0.90", "sigma in % of the maximum"}


def test_noise_of_the_maps_varies_as_the_page_says():
    middle, across = (scanner.gain.map((9, 9, 9)) for scanner in sigma_maps.KINDS.values())
    assert middle.argmax() == middle.numel() // 2
    np.testing.assert_allclose(across[-1] / across[0], 3, rtol=1e-5)


def test_texts_of_the_method_do_not_overlap():
    scan = dict.fromkeys(("noisy", "denoised"), SLICE)
    figure = method.method_figure(scan, dict.fromkeys(("clean", "noisy", "denoised", "other"), SLICE))
    found = boxes(figure)
    assert len(found) > 20
    assert not overlapping(found)
    assert not outside(found, figure)


def test_committed_method_has_its_images_inside(repository):
    root = ElementTree.parse(repository / "docs" / "figures" / "method.svg").getroot()
    images = root.findall(".//{http://www.w3.org/2000/svg}image")
    assert len(images) == 6
    assert all(image.get("{http://www.w3.org/1999/xlink}href").startswith("data:image/png") for image in images)
