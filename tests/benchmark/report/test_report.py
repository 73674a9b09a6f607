"""The report on disk: tables and figures."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.report import Report, volume_results, write_report
from monai_unsup_denoise.benchmark.report.table import markdown
from monai_unsup_denoise.benchmark.report.tables import main_table
from monai_unsup_denoise.errors import InputError

TEXTS = Report(note="A reduced grid.", command="mri-denoise benchmark --quick", conditions="one thread.")


def nothing(volume, level, seed, method):
    return None


@pytest.fixture(scope="module")
def noted(methods):
    """The methods, one of them with a note."""
    return [replace(one, note="As in CAT12.") if one.name == "sanlm" else one for one in methods]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, with_failures, noted, find_images):
    """A report with images of one level and rows that failed."""
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, with_failures, noted, find_images, TEXTS)
    return folder


def test_page_shows_every_figure_with_a_description(folder):
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {f"brainweb_t1w_{name}.png" for name in ("curves", "strip_15", "bias", "residual")}
    images = re.findall(r"!\[(.*)\]\(figures/(.*)\)", (folder / "tables.md").read_text(encoding="utf-8"))
    assert {file for _, file in images} == names and len(images) == len(names)
    assert all(alt.startswith("BrainWeb T1w: ") for alt, _ in images)


def test_page_has_scope_failures_and_origin(folder):
    text = (folder / "tables.md").read_text(encoding="utf-8")
    for words in (
        "A reduced grid.",
        "5 methods (1 more could not be measured) on BrainWeb T1w, with Rician noise of 5, 10, 15, 20, 25 and 30 %",
        "clean > 10/255",
        "BM4D + VST σ (30.10 dB)",
        "BrainWeb T1w, ANTs: not installed; make baselines",
        "As in CAT12.",
        "mri-denoise benchmark --quick",
        "Seconds: one thread.",
        "BM4D + VST: bm4d 4.2.5",
        "Slices of the last axis: 70-109.",
    ):
        assert words in text


def test_page_has_the_main_table_of_each_volume(tmp_path, failed, noted):
    frame = pd.concat([failed, failed.assign(volume="scan")])
    write_report(tmp_path, frame[frame["level"] <= 10], noted, nothing)
    text = (tmp_path / "tables.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")[1:3]
    for section, volume in zip(sections, volume_results(frame[frame["level"] <= 10], noted), strict=True):
        assert section.startswith(volume.title) and markdown(main_table(volume)) in section


def test_text_with_tags_is_shown_and_not_obeyed(tmp_path, trial, methods):
    frame = trial.assign(volume="<b>", versions="<i>")
    frame.loc[frame["method"] == "ants", "status"] = "<script>alert(1)</script>"
    methods = [replace(one, title="<u>") if one.name == "sanlm" else one for one in methods]
    write_report(tmp_path, frame, methods, nothing, Report(note="<em>", command="<s>"))
    assert "<" not in (tmp_path / "tables.md").read_text().replace("```bash\n<s>\n```", "")
    assert (tmp_path / "figures" / "%3Cb%3E_curves.png").is_file()
    assert "(figures/%253Cb%253E_curves.png)" in (tmp_path / "tables.md").read_text()


def test_volume_named_as_a_path_stays_in_the_folder(tmp_path, trial, methods):
    write_report(tmp_path / "in", trial.assign(volume="../../out"), methods, nothing)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_equal_results_give_equal_files(tmp_path, trial, methods, find_images):
    for name in ("a", "b"):
        write_report(tmp_path / name, trial, methods, find_images)
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("a", "b")]
    assert len(files[0]) == 5
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_figures_without_colour_are_greyscale(folder):
    kinds = {path.stem.split("_")[2]: path.read_bytes()[25] for path in (folder / "figures").iterdir()}
    assert kinds == {"curves": 2, "strip": 0, "bias": 2, "residual": 2}  # the colour types of the PNG format


def test_results_that_all_failed_make_a_page_of_reasons(tmp_path, trial, methods):
    numbers = trial.columns[trial.columns.get_loc("psnr") : trial.columns.get_loc("peak_mib") + 1]
    frame = trial.assign(status="not installed", **dict.fromkeys(numbers, np.nan))
    write_report(tmp_path, frame, methods, nothing)
    text = (tmp_path / "tables.md").read_text(encoding="utf-8")
    assert "Nothing could be measured on this volume." in text
    assert text.count("- BrainWeb T1w, ") == 6
    assert not (tmp_path / "figures").exists()


def test_results_without_a_row_leave_nothing_behind(tmp_path, trial, methods):
    with pytest.raises(InputError, match="nothing was measured"):
        write_report(tmp_path / "report", trial.iloc[:0], methods, nothing)
    assert not (tmp_path / "report").exists()
