"""The report on disk: one page that needs nothing beside it, tables and figures."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from monai_unsup_denoise.benchmark.report import volume_results, write_report
from monai_unsup_denoise.benchmark.report.table import markdown
from monai_unsup_denoise.benchmark.report.tables import main_table
from monai_unsup_denoise.errors import InputError


class Tags(HTMLParser):
    """All tags of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def nothing(volume, level, seed, method):
    return None


@pytest.fixture(scope="module")
def report(tmp_path_factory, with_failures, titles, pictures):
    """A report with pictures of one level and rows that failed."""
    folder = tmp_path_factory.mktemp("report")
    kwargs = {"note": "A reduced grid.", "command": "mri-denoise benchmark --quick", "conditions": "one thread."}
    write_report(folder, with_failures, pictures, titles=titles, notes={"sanlm": "As in CAT12."}, **kwargs)
    return folder


def test_the_page_is_self_contained(report):
    page = Tags((report / "index.html").read_text(encoding="utf-8"))
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action"):
            if name in attributes:
                start = "data:image/png;base64," if tag == "img" else "#"
                assert attributes[name].startswith(start), (tag, attributes[name][:60])
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert "url(" not in page.text and "@import" not in page.text


def test_every_picture_of_the_page_is_a_file_too_and_is_described(report):
    images = [attributes for tag, attributes in Tags((report / "index.html").read_text()).tags if tag == "img"]
    names = {path.name for path in (report / "figures").iterdir()}
    assert names == {f"brainweb_t1w_{name}.png" for name in ("curves", "strip_15", "bias", "residual")}
    assert len(images) == len(names)
    assert all("BrainWeb T1w" in image["alt"] for image in images)
    sizes = {imread(path).shape[1::-1] for path in (report / "figures").iterdir()}
    assert {(int(image["width"]), int(image["height"])) for image in images} == sizes


def test_links_within_the_page_lead_somewhere(report):
    tags = Tags((report / "index.html").read_text()).tags
    targets = {attributes["href"][1:] for tag, attributes in tags if tag == "a"}
    assert targets == {"volume-1", "missing", "how"}
    assert targets <= {attributes.get("id") for _, attributes in tags}


def test_the_page_says_what_was_compared_what_is_missing_and_how_it_was_made(report):
    text = Tags((report / "index.html").read_text()).text.replace("\xa0", " ")
    for words in (
        "A reduced grid.",
        "5 methods (1 more could not be measured) on BrainWeb T1w, with Rician noise of 5, 10, 15, 20, 25 and 30 %",
        "clean > 10/255",
        "BM4D + VST σ (30.10 dB)",
        "BrainWeb T1w, ANTs: not installed; make peers",
        "As in CAT12.",
        "mri-denoise benchmark --quick",
        "Seconds: one thread.",
        "BM4D + VST: bm4d 4.2.5",
        "Slices of the last axis: 70-109.",
    ):
        assert words in text


def test_page_and_markdown_hold_the_same_tables(report, failed, titles):
    text = (report / "tables.md").read_text(encoding="utf-8")
    [volume] = volume_results(failed, titles, {"sanlm": "As in CAT12."})
    assert markdown(main_table(volume)) in text
    page = Tags((report / "index.html").read_text(encoding="utf-8")).text
    for number in re.findall(r"\d+\.\d+ / \d\.\d+", text):
        assert number in page


def test_a_text_with_tags_is_shown_not_obeyed(tmp_path, trial, titles):
    frame = trial.assign(volume="<b>", versions="<i>")
    frame.loc[frame["method"] == "ants", "status"] = "<script>alert(1)</script>"
    write_report(tmp_path, frame, nothing, titles=titles | {"sanlm": "<u>"}, note="<em>", command="<s>")
    page = Tags((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert not {"b", "i", "u", "em", "s", "script"} & {tag for tag, _ in page.tags}
    assert all(text in page.text for text in ("<b>", "<i>", "<u>", "<em>", "<s>", "<script>alert(1)</script>"))
    assert "<" not in (tmp_path / "tables.md").read_text().replace("```bash\n<s>\n```", "")
    assert (tmp_path / "figures" / "%3Cb%3E_curves.png").is_file()


def test_a_volume_whose_name_is_a_path_stays_in_the_folder(tmp_path, trial, titles):
    write_report(tmp_path / "in", trial.assign(volume="../../out"), nothing, titles=titles)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_the_same_results_give_the_same_files(tmp_path, trial, titles, pictures):
    for name in ("a", "b"):
        write_report(tmp_path / name, trial, pictures, titles=titles)
    files = [sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("a", "b")]
    assert len(files[0]) == 6
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_pictures_in_greys_are_written_in_greys_and_curves_in_colour(report):
    kinds = {path.stem.split("_")[2]: path.read_bytes()[25] for path in (report / "figures").iterdir()}
    assert kinds == {"curves": 2, "strip": 0, "bias": 2, "residual": 2}  # the colour types of the PNG format


def test_results_that_failed_altogether_still_make_a_page(tmp_path, trial, titles):
    numbers = trial.columns[trial.columns.get_loc("psnr") : trial.columns.get_loc("peak_mib") + 1]
    frame = trial.assign(status="not installed", **dict.fromkeys(numbers, np.nan))
    page = write_report(tmp_path, frame, nothing, titles=titles)
    text = Tags(page.read_text(encoding="utf-8")).text
    assert "Nothing could be measured on this volume." in text
    assert text.count("BrainWeb T1w, ") >= 6
    assert not (tmp_path / "figures").exists()


def test_results_without_a_row_are_told_in_one_line_and_leave_nothing_behind(tmp_path, trial, titles):
    with pytest.raises(InputError, match="nothing was measured"):
        write_report(tmp_path / "report", trial.iloc[:0], nothing, titles=titles)
    assert not (tmp_path / "report").exists()


def test_each_volume_has_its_own_section_on_the_page(tmp_path, trial, titles):
    frame = pd.concat([trial, trial.assign(volume="scan")])
    page = write_report(tmp_path, frame[frame["level"] <= 10], nothing, titles=titles)
    ids = [attributes["id"] for tag, attributes in Tags(page.read_text()).tags if tag == "section"]
    assert ids == ["volume-1", "volume-2", "how"]
