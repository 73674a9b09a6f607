"""Every figure of the tables is one of the frame, and what is missing says why."""

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.report import readme_table, volume_results
from monai_unsup_denoise.benchmark.report.summary import failure_lines, summary_table
from monai_unsup_denoise.benchmark.report.table import markdown
from monai_unsup_denoise.benchmark.report.tables import further_tables, main_table
from monai_unsup_denoise.errors import InputError


def one(frame, titles, **kwargs):
    [volume] = volume_results(frame, titles, **kwargs)
    return volume


def cells(text):
    """The cells of a Markdown table by the first one of their row, marks and footnote numbers taken off."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [[part.strip(" *★¹²³⁴") for part in line.strip("| ").split("|")] for line in lines]
    return {name: values for name, *values in rows}


def further(volume, start):
    [table] = [table for table in further_tables(volume) if table.title.startswith(start)]
    return table


def plain(text):
    return text.replace("*", "").replace("★", "")


def test_every_cell_is_the_psnr_and_ssim_of_its_row_in_the_frame(trial, titles):
    found = cells(plain(markdown(main_table(one(trial, titles)))))
    assert found["method"] == ["5 %", "10 %", "15 %", "20 %", "25 %", "30 %"]
    for row in trial.itertuples():
        name = titles[row.method] + (" σ" if row.given_sigma == "yes" else "")
        place = found["method"].index(f"{row.level} %")
        assert found[name][place] == f"{row.psnr:.2f} / {row.ssim_3d:.3f}"


def test_the_rows_have_the_order_of_the_titles_and_unknown_methods_come_last(trial, titles):
    trial.loc[trial["method"] == "sanlm", "method"] = "newcomer"
    shuffled = trial.sample(frac=1, random_state=1)
    names = list(cells(markdown(main_table(one(shuffled, titles)))))[2:]
    assert names == ["Noisy", "ADF, bias removed σ", "DIPY nlmeans σ", "ANTs", "BM4D + VST σ", "newcomer"]


def test_the_best_blind_method_is_bold_and_the_best_of_all_has_a_star(trial, titles):
    lines = markdown(main_table(one(trial, titles))).splitlines()
    [sanlm] = [line for line in lines if "SANLM" in line]
    [bm4d] = [line for line in lines if "BM4D" in line]
    assert sanlm.startswith("| SANLM | **30.60** / **0.740** |")
    assert bm4d.startswith("| BM4D + VST σ | 37.20★ / 0.930★ |")
    assert sum("**" in line for line in lines) == sum("★" in line for line in lines) == 1


def test_methods_that_are_equal_in_print_are_equally_good(trial, titles):
    trial.loc[trial["method"] == "ants", ["psnr", "ssim_3d"]] = trial.loc[
        trial["method"] == "sanlm", ["psnr", "ssim_3d"]
    ].to_numpy() + [0.001, 0.0001]
    text = markdown(main_table(one(trial, titles)))
    assert "| SANLM | **30.60** / **0.740** |" in text
    assert "| ANTs | **30.60** / **0.740** |" in text


def test_several_seeds_are_a_mean_and_a_deviation(trial, titles):
    other = trial.assign(seed=1, psnr=trial["psnr"] + 0.2)
    volume = one(pd.concat([trial, other]), titles)
    assert cells(plain(markdown(main_table(volume))))["Noisy"][0] == "25.10 ± 0.14 / 0.570 ± 0.000"  # 0.2 / sqrt(2)


def test_a_seed_that_failed_is_left_out_of_the_mean_and_told(trial, titles):
    other = trial.assign(seed=1, psnr=np.nan, status="ran out of time")
    volume = one(pd.concat([trial, other[other["method"] == "noisy"]]), titles)
    assert cells(plain(markdown(main_table(volume))))["Noisy"][0] == "25.00 / 0.570"
    assert "No figures at 5, 10, 15, 20, 25, 30 %: ran out of time." in main_table(volume).footnotes


def test_a_row_without_figures_says_why_in_a_footnote(failed, titles):
    table = main_table(one(failed, titles))
    lines = markdown(table).splitlines()
    assert cells(markdown(table))["ANTs"] == ["–"] * 6
    assert cells(markdown(table))["SANLM"][4:] == ["–", "–"]
    assert "¹ No figures at 25, 30 %: killed (out of memory)." in [line.strip() for line in lines]
    assert "² No figures: not installed; make peers." in lines
    assert any(line.startswith("| SANLM ¹ |") for line in lines)
    assert any(line.startswith("| ANTs ² |") for line in lines)


def test_the_list_of_what_is_missing_has_a_line_for_each_method_and_reason(failed, titles):
    assert [line.replace("\xa0", " ") for line in failure_lines([one(failed, titles)])] == [
        "BrainWeb T1w, SANLM, at 25, 30 %: killed (out of memory).",
        "BrainWeb T1w, ANTs: not installed; make peers",
    ]


def test_a_method_on_other_slices_says_so_and_is_never_the_best(trial, titles):
    trial.loc[trial["method"] == "bm4d_vst", "slices"] = "80-89"
    table = main_table(one(trial, titles))
    assert table.footnotes == ("Measured on slices 80-89 of the last axis, most rows on 70-109; never marked as best.",)
    assert "| BM4D + VST σ ¹ | 37.20 / 0.930 |" in markdown(table)
    assert "| DIPY nlmeans σ | 33.50★ /" in markdown(table)
    [row] = summary_table([one(trial, titles)]).rows
    assert "BM4D" not in str(row)


def test_a_note_stands_once_under_all_rows_that_share_it(trial, titles):
    table = main_table(one(trial, titles, notes={"sanlm": "Two words.", "ants": "Two words.", "noisy": "None."}))
    assert table.footnotes == ("None.", "Two words.")
    assert "| SANLM ² |" in markdown(table) and "| ANTs ² |" in markdown(table)


def test_the_summary_names_the_best_by_the_mean_over_the_levels(trial, titles):
    [row] = summary_table([one(trial, titles)]).rows
    psnr = trial[trial["method"] == "sanlm"]["psnr"].mean()
    assert [spans[0].text.replace("\xa0", " ") for spans in row] == [
        "BrainWeb T1w",
        f"SANLM ({psnr:.2f} dB)",
        "SANLM (0.567)",
        "BM4D + VST σ (30.10 dB)",
        "BM4D + VST σ (0.785)",
    ]


def test_a_method_that_misses_a_level_is_not_summed_up(failed, titles):
    [row] = summary_table([one(failed, titles)]).rows
    assert row[1][0].text.startswith("Noisy")


def test_the_further_tables_hold_what_the_frame_does(trial, titles):
    volume = one(trial, titles)
    assert cells(plain(markdown(further(volume, "PSNR"))))["SANLM"][2] == "27.40"
    assert cells(plain(markdown(further(volume, "SSIM in 2-D"))))["SANLM"][2] == "0.590"
    assert cells(markdown(further(volume, "Error of the noise level")))["SANLM"] == ["+0.8"] * 6
    assert cells(markdown(further(volume, "Residual at 15 %")))["SANLM"] == [
        "+0.20",
        "+0.10",
        "+0.07",
        "+0.05",
        "+0.07",
    ]
    assert cells(markdown(further(volume, "Seconds")))["SANLM"] == ["1.8", "3.0", "40"]


def test_the_bias_is_that_of_the_level_nearest_15_percent(trial, titles):
    found = cells(markdown(further(one(trial, titles), "Bias by intensity at 15 %")))
    assert found["SANLM"] == ["+0.89", "+0.45", "+0.11", "+0.08", "+0.06", "-0.19"]
    assert "ANTs" not in found
    trial["level"] = trial["level"].replace({15: 17.5, 10: 11})
    assert one(trial, titles).median_tissue_sigma == 17.5
    assert further(one(trial, titles), "Bias by intensity at 17.5 %").rows


def test_tables_without_a_figure_are_left_out(trial, titles):
    trial["sigma_error"] = np.nan
    assert not [table for table in further_tables(one(trial, titles)) if table.title.startswith("Error")]


def test_text_with_pipes_and_tags_stays_in_its_cell(trial, titles):
    text = markdown(main_table(one(trial, titles | {"ants": "a|b <i> *c*"})))
    assert r"| a\|b &lt;i> \*c\* |" in text


def test_the_readme_table_holds_the_chosen_methods_of_one_volume(trial, titles):
    frame = pd.concat([trial, trial.assign(volume="brainweb_pdw", psnr=1.0)])
    text = readme_table(frame, "brainweb_t1w", titles, methods=["noisy", "sanlm", "absent"])
    assert text.splitlines() == [
        "| PSNR dB / SSIM | 5 % | 10 % | 15 % | 20 % | 25 % | 30 % |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| Noisy | 25.00 / 0.570 | 19.00 / 0.380 | 15.40 / 0.250 | 12.90 / 0.180 | 11.00 / 0.130 | 9.40 / 0.090 |",
        "| SANLM | **30.60** / **0.740** | **24.60** / **0.670** | **21.00** / **0.600** | **18.40** / **0.530** |"
        " **16.20** / **0.460** | **14.50** / **0.400** |",
    ]


def test_a_file_gives_the_same_tables_as_the_frame_it_was_written_from(failed, titles, tmp_path):
    failed.to_csv(tmp_path / "results.csv", index=False)
    again = pd.read_csv(tmp_path / "results.csv")
    assert markdown(main_table(one(again, titles))) == markdown(main_table(one(failed, titles)))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda frame: frame.iloc[:0], "nothing was measured"),
        (lambda frame: frame.drop(columns=["ssim_3d", "seconds"]), "no column ssim_3d, seconds"),
        (lambda frame: frame.assign(psnr="much"), "column psnr holds something that is no number"),
    ],
)
def test_a_frame_that_is_no_benchmark_is_told_in_one_line(trial, titles, spoil, told):
    with pytest.raises(InputError, match=told) as error:
        volume_results(spoil(trial), titles)
    assert "\n" not in str(error.value)
