"""The report of a scan and the index of many, as files."""

import html
import re

import numpy as np
import pytest

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.scan_report import ReportContent, read_summary, write_index, write_report

NOISE = {
    "sigma": 20.0,
    "sigma_percent": 2.5,
    "sigma_error_percent": 4.0,
    "varying_noise": False,
    "correlated_noise": False,
    "correlation": [0.0, 0.0, 0.0],
}


def content(name="scan.nii.gz", *, blur=False, shape=(36, 34, 30), noise=None, **maps):
    """A block in air, with noise; without most of it, and maybe with its edges blurred."""
    clean = np.zeros(shape, dtype=np.float32)
    clean[4:-4, 4:-4, 3:-3] = 600
    clean[9:-9, 9:-9, 8:-8] = 750
    clean[12:-12, 12:-12, 11:-11] = 900
    noise_drawn = 20 * np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    blurred = (clean + np.roll(clean, 1, 0) + np.roll(clean, -1, 1)) / 3
    noisy, denoised = clean + noise_drawn, (blurred if blur else clean) + 0.1 * noise_drawn
    return ReportContent(name, noisy, denoised, np.diag([1.0, 1, 2, 1]), noise or NOISE, maps, "software 1.0")


def test_a_report_needs_nothing_but_itself(tmp_path):
    write_report(tmp_path / "scan_report.html", content(sigma=np.full((36, 34, 30), 20.0, dtype=np.float32)))
    page = (tmp_path / "scan_report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert sources and all(source.startswith("data:image/png;base64,") for source in sources)
    assert [path.name for path in tmp_path.iterdir()] == ["scan_report.html"]


def test_a_report_tells_the_numbers_of_its_scan(tmp_path):
    write_report(tmp_path / "r.html", content(noise=NOISE | {"coils": 8, "clipped_voxels": 3, "change_percent": 40}))
    page = (tmp_path / "r.html").read_text()
    for text in ("20, 2.5 % of the maximum", "0.00, 0.00, 0.00", "about 8", "software 1.0", "not a medical device"):
        assert text in page
    assert "What was removed looks like noise" in page and "only 40 % of the change was made" in page
    summary = read_summary(tmp_path / "r.html")
    assert summary["noise"]["sigma"] == 20 and summary["verdicts"][0]["kind"] == "good"
    assert summary["residual"]["spread"] == pytest.approx(0.9, abs=0.03)
    before, after = summary["quality"]["before"], summary["quality"]["after"]
    assert before["SNR"] < after["SNR"] and before["CJV"] > after["CJV"]


def test_a_model_without_noise_level_has_a_report_too(tmp_path):
    write_report(tmp_path / "r.html", content(noise={"sigma": None, "sigma_percent": None}))
    assert "does not estimate the noise" in (tmp_path / "r.html").read_text()
    assert read_summary(tmp_path / "r.html")["residual"] is None


@pytest.mark.parametrize("shape", [(24, 22, 1), (3, 3, 3)])
def test_slices_and_tiny_scans_have_reports(shape, tmp_path):
    write_report(tmp_path / "r.html", content(shape=shape))
    assert read_summary(tmp_path / "r.html")["name"] == "scan.nii.gz"


def test_names_cannot_break_the_page(tmp_path):
    name = 'a"><script>alert(1)</script>.nii'
    write_report(tmp_path / "r_report.html", content(name))
    write_index(tmp_path / "index.html", [tmp_path / "r_report.html"])
    page = (tmp_path / "r_report.html").read_text()
    assert "<script>alert" not in page and html.escape("<script>alert(1)</script>", quote=False) in page
    assert read_summary(tmp_path / "r_report.html")["name"] == name


def test_the_index_has_the_worst_scans_first(tmp_path):
    unsure = NOISE | {"sigma_is_sure": False}
    made = {"a": content(), "sub dir/b": content(blur=True), "c": content(noise=unsure)}
    paths = [tmp_path / f"{name}_report.html" for name in made]
    for path, one in zip(paths, made.values(), strict=True):
        path.parent.mkdir(exist_ok=True)
        write_report(path, one)
    (tmp_path / "other.html").write_text("<p>of somebody else</p>")
    write_index(tmp_path / "index.html", [*paths, tmp_path / "other.html"])
    page = (tmp_path / "index.html").read_text()
    links = re.findall(r'<a href="([^"]*)">', page)
    assert links == ["sub%20dir/b_report.html", "c_report.html", "a_report.html"]
    assert "3 scans: 1 with structure in what was removed, 1 to look at, 1 without findings" in page
    write_index(tmp_path / "index.html", paths)  # its own may be replaced


def test_the_index_replaces_no_other_page(tmp_path):
    write_report(tmp_path / "a_report.html", content())
    (tmp_path / "index.html").write_text("<p>of somebody else</p>")
    with pytest.raises(InputError, match=r"index.html: is no index of reports; move it away"):
        write_index(tmp_path / "index.html", [tmp_path / "a_report.html"])
    assert (tmp_path / "index.html").read_text() == "<p>of somebody else</p>"
