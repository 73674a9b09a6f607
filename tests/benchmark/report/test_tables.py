"""The tables have the values of the frame, and the reasons for missing ones."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from monai_unsup_denoise.benchmark.report import results_table, volume_results, volume_tables
from monai_unsup_denoise.benchmark.report.report import failure_lines, summary_table
from monai_unsup_denoise.benchmark.report.table import markdown
from monai_unsup_denoise.benchmark.report.tables import main_table
from monai_unsup_denoise.errors import InputError


def one(frame, methods):
    [volume] = volume_results(frame, methods)
    return volume


def changed(methods, **changes):
    """The methods with other attributes, by name."""
    return [replace(method, **changes.get(method.name, {})) for method in methods]


def cells(text):
    """The cells of a Markdown table by the first one of their row, marks and footnote numbers taken off."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    rows = [[part.strip(" *★¹²³⁴") for part in line.strip("| ").split("|")] for line in lines]
    return {name: values for name, *values in rows}


def further(volume, start):
    [table] = [table for table in volume_tables(volume) if table.title.startswith(start)]
    return table


def plain(text):
    return text.replace("*", "").replace("★", "")


def test_cells_are_the_psnr_and_ssim_of_the_frame(trial, methods):
    found = cells(plain(markdown(main_table(one(trial, methods)))))
    assert found["method"] == ["5 %", "10 %", "15 %", "20 %", "25 %", "30 %"]
    titles = {method.name: method.title for method in methods}
    for row in trial.itertuples():
        name = titles[row.method] + (" σ" if row.given_sigma == "yes" else "")
        place = found["method"].index(f"{row.level} %")
        assert found[name][place] == f"{row.psnr:.2f} / {row.ssim_3d:.3f}"


def test_rows_have_the_order_of_the_methods(trial, methods):
    trial.loc[trial["method"] == "sanlm", "method"] = "newcomer"
    shuffled = trial.sample(frac=1, random_state=1)
    names = list(cells(markdown(main_table(one(shuffled, methods)))))[2:]
    assert names == ["Noisy", "ADF, bias removed σ", "DIPY nlmeans σ", "ANTs", "BM4D + VST σ", "newcomer"]


def test_best_blind_is_bold_and_best_of_all_has_a_star(trial, methods):
    lines = markdown(main_table(one(trial, methods))).splitlines()
    [sanlm] = [line for line in lines if "SANLM" in line]
    [bm4d] = [line for line in lines if "BM4D" in line]
    assert sanlm.startswith("| SANLM | **30.60** / **0.740** |")
    assert bm4d.startswith("| BM4D + VST σ | 37.20★ / 0.930★ |")
    assert sum("**" in line for line in lines) == sum("★" in line for line in lines) == 1


def test_methods_equal_in_print_are_equally_good(trial, methods):
    trial.loc[trial["method"] == "ants", ["psnr", "ssim_3d"]] = trial.loc[
        trial["method"] == "sanlm", ["psnr", "ssim_3d"]
    ].to_numpy() + [0.001, 0.0001]
    text = markdown(main_table(one(trial, methods)))
    assert "| SANLM | **30.60** / **0.740** |" in text
    assert "| ANTs | **30.60** / **0.740** |" in text


def test_several_seeds_are_a_mean_and_a_deviation(trial, methods):
    other = trial.assign(seed=1, psnr=trial["psnr"] + 0.2)
    volume = one(pd.concat([trial, other]), methods)
    assert cells(plain(markdown(main_table(volume))))["Noisy"][0] == "25.10 ± 0.14 / 0.570 ± 0.000"  # 0.2 / sqrt(2)


def test_failed_seed_is_left_out_of_the_mean_and_noted(trial, methods):
    other = trial.assign(seed=1, psnr=np.nan, status="ran out of time")
    volume = one(pd.concat([trial, other[other["method"] == "noisy"]]), methods)
    assert cells(plain(markdown(main_table(volume))))["Noisy"][0] == "25.00 / 0.570"
    assert "No figures at 5, 10, 15, 20, 25, 30 %: ran out of time." in main_table(volume).footnotes


def test_row_without_results_has_the_reason_as_footnote(failed, methods):
    table = main_table(one(failed, methods))
    lines = markdown(table).splitlines()
    assert cells(markdown(table))["ANTs"] == ["–"] * 6
    assert cells(markdown(table))["SANLM"][4:] == ["–", "–"]
    assert "¹ No figures at 25, 30 %: killed (out of memory)." in [line.strip() for line in lines]
    assert "² No figures: not installed; make baselines." in lines
    assert any(line.startswith("| SANLM ¹ |") for line in lines)
    assert any(line.startswith("| ANTs ² |") for line in lines)


def test_failures_have_a_line_for_each_method_and_reason(failed, methods):
    assert [line.replace("\xa0", " ") for line in failure_lines([one(failed, methods)])] == [
        "BrainWeb T1w, SANLM, at 25, 30 %: killed (out of memory).",
        "BrainWeb T1w, ANTs: not installed; make baselines",
    ]


def test_method_on_other_slices_is_noted_and_never_best(trial, methods):
    trial.loc[trial["method"] == "bm4d_vst", "slices"] = "80-89"
    table = main_table(one(trial, methods))
    assert list(table.footnotes) == [
        "Measured on slices 80-89 of the last axis, most rows on 70-109; never marked as best."
    ]
    assert "| BM4D + VST σ ¹ | 37.20 / 0.930 |" in markdown(table)
    assert "| DIPY nlmeans σ | 33.50★ /" in markdown(table)
    [row] = summary_table([one(trial, methods)]).rows
    assert "BM4D" not in str(row)


def test_note_stands_once_for_all_rows_that_share_it(trial, methods):
    note = {"note": "Two words."}
    table = main_table(one(trial, changed(methods, sanlm=note, ants=note, noisy={"note": "None."})))
    assert list(table.footnotes) == ["None.", "Two words."]
    assert "| SANLM ² |" in markdown(table) and "| ANTs ² |" in markdown(table)


def test_summary_has_the_best_by_the_mean_over_levels(trial, methods):
    [row] = summary_table([one(trial, methods)]).rows
    psnr = trial[trial["method"] == "sanlm"]["psnr"].mean()
    assert [*row] == [
        "BrainWeb T1w",
        f"SANLM ({psnr:.2f} dB)",
        "SANLM (0.567)",
        "BM4D + VST σ (30.10 dB)",
        "BM4D + VST σ (0.785)",
    ]


def test_method_without_a_level_is_not_in_the_summary(failed, methods):
    [row] = summary_table([one(failed, methods)]).rows
    assert row[1].startswith("Noisy")


def test_further_tables_have_the_values_of_the_frame(trial, methods):
    volume = one(trial, methods)
    assert cells(plain(markdown(further(volume, "PSNR in dB over the foreground"))))["SANLM"][2] == "27.40"
    assert cells(plain(markdown(further(volume, "SSIM in 2-D"))))["SANLM"][2] == "0.590"
    assert cells(markdown(further(volume, "Error of the estimated sigma")))["SANLM"] == ["+0.8"] * 6
    assert cells(markdown(further(volume, "Residual at 15 %")))["SANLM"] == [
        "+0.20",
        "+0.10",
        "+0.07",
        "+0.05",
        "+0.07",
    ]
    assert cells(markdown(further(volume, "Seconds")))["SANLM"] == ["1.8", "3.0", "40"]


def test_bias_is_that_of_the_level_nearest_15_percent(trial, methods):
    found = cells(markdown(further(one(trial, methods), "Bias by intensity at 15 %")))
    assert found["SANLM"] == ["+0.89", "+0.45", "+0.11", "+0.08", "+0.06", "-0.19"]
    assert "ANTs" not in found
    trial["level"] = trial["level"].replace({15: 17.5, 10: 11})
    assert one(trial, methods).typical_level == 17.5
    assert further(one(trial, methods), "Bias by intensity at 17.5 %").rows


def test_tables_without_rows_are_left_out(trial, methods):
    trial["sigma_error"] = np.nan
    assert not [table for table in volume_tables(one(trial, methods)) if table.title.startswith("Error")]


def test_text_with_pipes_and_tags_stays_in_its_cell(trial, methods):
    text = markdown(main_table(one(trial, changed(methods, ants={"title": "a|b <i> *c*"}))))
    assert r"| a\|b &lt;i> \*c\* |" in text


def test_results_table_has_the_chosen_methods_and_levels(trial, methods):
    frame = pd.concat([trial, trial.assign(volume="brainweb_pdw", psnr=1.0)])
    found = cells(plain(results_table(frame, "brainweb_t1w", methods)))
    assert found["PSNR dB / SSIM"] == ["5 %", "15 %", "30 %"]
    assert found["SANLM"] == ["30.60 / 0.740", "21.00 / 0.600", "14.50 / 0.400"]
    assert "ANTs" not in found and len(found) == 7


def test_file_gives_the_same_tables_as_its_frame(failed, methods, tmp_path):
    failed.to_csv(tmp_path / "results.csv", index=False)
    again = pd.read_csv(tmp_path / "results.csv")
    assert markdown(main_table(one(again, methods))) == markdown(main_table(one(failed, methods)))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda frame: frame.iloc[:0], "nothing was measured"),
        (lambda frame: frame.drop(columns=["ssim_3d", "seconds"]), "no column ssim_3d, seconds"),
        (lambda frame: frame.assign(psnr="much"), "column psnr holds something that is no number"),
    ],
)
def test_frame_that_is_no_benchmark_is_refused(trial, methods, spoil, told):
    with pytest.raises(InputError, match=told) as error:
        volume_results(spoil(trial), methods)
    assert "\n" not in str(error.value)
