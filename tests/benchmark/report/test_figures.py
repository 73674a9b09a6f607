"""Lines and panels of the figures, also if results are missing."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from monai_unsup_denoise.benchmark.methods import DenoisingMethod
from monai_unsup_denoise.benchmark.report import volume_results
from monai_unsup_denoise.benchmark.report.comparison_figure import (
    busiest_square,
    comparison_figure,
    comparison_of_level,
)
from monai_unsup_denoise.benchmark.report.figures import volume_figures
from monai_unsup_denoise.benchmark.report.line_figures import bias_figure, curves_figure, residual_figure


def one(frame, methods):
    [volume] = volume_results(frame, methods)
    return volume


def lines(axis):
    """Lines that have a name, by it."""
    named = [line for line in axis.lines if not line.get_label().startswith("_")]
    return {line.get_label().replace("\xa0", " "): line for line in named}


def test_curves_are_the_scores_by_level(trial, methods):
    psnr, ssim = curves_figure(one(trial, methods)).axes
    sanlm = trial[trial["method"] == "sanlm"]
    for axis, column in ((psnr, "psnr"), (ssim, "ssim_3d")):
        np.testing.assert_array_equal(lines(axis)["SANLM"].get_xdata(), sanlm["level"])
        np.testing.assert_allclose(lines(axis)["SANLM"].get_ydata(), sanlm[column])


def test_given_sigma_is_dashed_and_published_dotted(trial, methods):
    axis = curves_figure(one(trial, methods)).axes[0]
    styles = {name: line.get_linestyle() for name, line in lines(axis).items()}
    assert styles == {
        **{"Noisy": "-", "SANLM": "-", "ANTs": "-"},
        **{"ADF, bias removed σ": "--", "DIPY nlmeans σ": "--", "BM4D + VST σ": "--"},
        **{"adf, published": ":", "cyclegan, published": ":", "paper, published": ":"},
    }
    paper = lines(axis)["paper, published"]
    assert paper.get_markerfacecolor() == "white"
    assert paper.get_ydata()[2] == 22.3678
    assert lines(curves_figure(one(trial, methods)).axes[1])["paper, published"].get_ydata()[2] == 0.6768


def test_unpublished_contrast_has_no_dotted_line(trial, methods):
    axis = curves_figure(one(trial.assign(volume="phantom_t2w"), methods)).axes[0]
    assert ":" not in {line.get_linestyle() for line in axis.lines}


def test_no_two_methods_look_alike(methods):
    names = [f"method {number}" for number in range(15)]
    frame = pd.concat([trial_row(name) for name in names])
    drawn = lines(curves_figure(one(frame, [DenoisingMethod(name, name, "") for name in names])).axes[0])
    looks = {(to_rgb(drawn[name].get_color()), drawn[name].get_marker()) for name in names}
    assert len(looks) == len(names)


def trial_row(method):
    numbers = ["level", "seed", "psnr", "psnr_fg", "ssim_2d", "ssim_3d", "sigma_error", "gradient_correlation"]
    numbers += ["seconds", "peak_mib", *(f"residual_lag{lag}" for lag in (1, 2, 3, 4))]
    numbers += [f"bias_{band}" for band in ("00_02", "02_10", "10_20", "20_35", "35_60", "60_100")]
    words = {"volume": "scan", "method": method, "given_sigma": "no", "slices": "all", "versions": "", "status": "ok"}
    return pd.DataFrame([dict.fromkeys(numbers, 1.0) | words])


def test_method_looks_the_same_in_all_figures(trial, methods):
    def look(frame, draw):
        line = lines(draw(one(frame, methods)).axes[0])["SANLM"]
        return line.get_color(), line.get_marker(), line.get_linestyle()

    few = trial[trial["method"].isin(["sanlm", "bm4d_vst"])]
    draws = (curves_figure, bias_figure, residual_figure)
    assert len({look(frame, draw) for frame in (trial, few) for draw in draws}) == 1


def test_failed_methods_have_no_line_and_levels_no_point(failed, methods):
    drawn = lines(curves_figure(one(failed, methods)).axes[0])
    assert "ANTs" not in drawn
    np.testing.assert_array_equal(np.isnan(drawn["SANLM"].get_ydata()), [False] * 4 + [True] * 2)


def test_several_seeds_have_error_bars(trial, methods):
    two = pd.concat([trial, trial.assign(seed=1, psnr=trial["psnr"] + 2)])
    axis = curves_figure(one(two, methods)).axes[0]
    np.testing.assert_allclose(lines(axis)["Noisy"].get_ydata()[0], 26)
    assert len(axis.containers) == 6
    assert not curves_figure(one(trial, methods)).axes[0].containers


def test_bias_is_drawn_for_the_methods_that_have_one(trial, methods):
    [axis] = bias_figure(one(trial, methods)).axes
    assert set(lines(axis)) == {"Noisy", "SANLM"}
    np.testing.assert_allclose(lines(axis)["SANLM"].get_ydata(), [0.89, 0.45, 0.11, 0.08, 0.06, -0.19])
    assert "15 %" in axis.get_ylabel()


def test_residual_is_drawn_against_the_lag(trial, methods):
    [axis] = residual_figure(one(trial, methods)).axes
    assert "Noisy" not in lines(axis)
    np.testing.assert_array_equal(lines(axis)["SANLM"].get_xdata(), [1, 2, 3, 4])
    np.testing.assert_allclose(lines(axis)["SANLM"].get_ydata(), [0.2, 0.1, 0.2 / 3, 0.05])


def test_legend_is_outside_the_panels(trial, methods):
    figure = curves_figure(one(trial, methods))
    FigureCanvasAgg(figure).draw()
    [legend] = figure.legends
    top = legend.get_window_extent().y1
    assert all(axis.get_tightbbox().y0 >= top for axis in figure.axes)


def test_comparison_has_a_column_for_each_method_with_images(trial, methods, find_images):
    figure = comparison_of_level(one(trial, methods), 15, find_images)
    heads = [axis.get_title().replace("\xa0", " ") for axis in figure.axes[:4]]
    assert heads == ["Noisy\n15.4 dB", "ADF, bias removed σ\n26.8 dB", "BM4D + VST σ\n30.5 dB", "Clean\n"]
    assert comparison_of_level(one(trial, methods), 5, find_images) is None


def test_diffusion_stands_in_for_the_unbiased_one(trial, methods, find_images):
    def find(volume, level, seed, method):
        known = {"adf": "adf_unbiased", "adf_unbiased": None}.get(method, method)
        return known and find_images(volume, level, seed, known)

    figure = comparison_of_level(one(trial, methods), 15, find)
    assert figure.axes[1].get_title().startswith("adf\n")


def test_image_of_another_slice_is_left_out(trial, methods, find_images):
    def find(volume, level, seed, method):
        images = find_images(volume, level, seed, {"ours": "bm4d_vst", "paper": "bm4d_vst"}.get(method, method))
        return images and {name: image * (0.5 if method == "ours" else 1) for name, image in images.items()}

    heads = [axis.get_title() for axis in comparison_of_level(one(trial, methods), 15, find).axes[:5]]
    assert not any(head.startswith("ours") for head in heads)
    assert any(head.startswith("paper") for head in heads)


def strip(sigma=0.1):
    clean = np.zeros((40, 50))
    clean[10:30, 10:40] = 1
    noisy = clean + 0.2
    names = {"noisy": "Noisy", "a": "A", "clean": "Clean"}
    return comparison_figure(noisy, {"a": clean + 0.1}, clean, sigma=sigma, titles=names)


def test_residuals_are_in_units_of_sigma_on_one_scale():
    axes = np.reshape(strip().axes[:9], (3, 3))
    residuals = [axis.images[0] for axis in axes[2, 1:]]
    assert {image.get_clim() for image in residuals} == {(-3, 3)}
    np.testing.assert_allclose(residuals[0].get_array(), 1, rtol=1e-5)
    np.testing.assert_allclose(residuals[1].get_array(), 2, rtol=1e-5)
    assert not axes[2, 0].images


def test_slices_and_zooms_share_one_grey_scale():
    axes = np.reshape(strip().axes[:9], (3, 3))
    images = [axis.images[0] for axis in axes[:2].flat]
    assert {image.get_clim() for image in images} == {(0, 1)}
    assert images[0].get_array().shape == (38, 28)  # turned; 4 voxels round the 20 x 30 of the head
    assert images[3].get_array().shape == (9, 9)


def test_square_in_the_clean_slice_frames_the_zoom():
    axes = np.reshape(strip().axes[:9], (3, 3))
    [square] = axes[0, 2].patches
    left, top = (round(value + 0.5) for value in square.get_xy())
    shown = axes[0, 2].images[0].get_array()[top : top + 9, left : left + 9]
    np.testing.assert_array_equal(shown, axes[1, 2].images[0].get_array())


def test_busiest_square_has_the_edges():
    clean = np.full((90, 120), 0.5)
    clean[40:60:4, 70:90] = 1
    rows, columns = busiest_square(clean)
    assert rows.stop - rows.start == columns.stop - columns.start == 30
    assert rows.start <= 40 and rows.stop >= 60
    assert columns.start <= 70 and columns.stop >= 90


@pytest.mark.parametrize("clean", [np.zeros((30, 30)), np.ones((2, 5)), np.ones((30, 31))])
def test_any_slice_can_be_drawn(clean):
    figure = comparison_figure(clean, {}, clean, sigma=0.1, titles={"noisy": "Noisy", "clean": "Clean"})
    FigureCanvasAgg(figure).draw()


def test_volume_without_results_has_no_figure(trial, methods, find_images):
    assert not list(volume_figures(one(trial.assign(status="failed"), methods), find_images))
