"""Figures of a validation: which rows and panels they have."""

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from matplotlib.image import imread

from monai_unsup_denoise.training.validation_images import ValidationImages, comparison_figure

SHAPE = (1, 8, 10, 6)


def row(*names):
    return {name: np.random.rand(8, 10) for name in names}


def panels(figure):
    return [[axis.get_title() for axis in line] for line in np.reshape(figure.axes, (-1, 4))]


def test_a_figure_has_a_row_for_each_level():
    rows = [row("noisy", "denoised", "residual", "clean") for _ in range(2)]
    rest = ["denoised", "residual", "clean"]
    figure = comparison_figure(rows, ["5 %", "30 %"])
    assert panels(figure) == [["noisy, 5 %", *rest], ["noisy, 30 %", *rest]]
    for axis, name in zip(figure.axes, rows[0], strict=False):
        np.testing.assert_array_equal(axis.images[0].get_array(), np.rot90(rows[0][name]))


def test_a_figure_without_clean_images_has_three_panels():
    figure = comparison_figure([row("noisy", "denoised", "residual")], ["a scan"])
    assert [axis.get_title() for axis in figure.axes] == ["noisy, a scan", "denoised", "residual"]


def test_panels_of_a_row_share_the_grey_scale_of_the_clean_image():
    images = row("noisy", "denoised", "residual", "clean")
    images["clean"] *= 3
    limits = [axis.images[0].get_clim() for axis in comparison_figure([images], ["x"]).axes]
    top = np.percentile(images["clean"], 99.8)
    assert limits[0] == limits[1] == limits[3] == pytest.approx((0, top))
    assert limits[2] == pytest.approx((-top / 2, top / 2))


def test_an_image_of_zeros_can_be_drawn():
    comparison_figure([{"noisy": np.zeros((4, 4)), "denoised": np.zeros((4, 4))}], ["empty"]).canvas.draw()


def validation(levels):
    """An evaluator over one volume of each of these levels; prediction and reference are 2 and 3 times the input."""
    volumes = [torch.rand(SHAPE) for _ in levels]

    def step(engine, index):
        engine.state.batch = [{"level": levels[index]}]
        return [{"image": volumes[index], "pred": 2 * volumes[index], "label": 3 * volumes[index]}]

    return Engine(step), volumes


def test_each_validation_draws_one_figure_with_all_levels(tmp_path):
    evaluator, _ = validation([30.0, 5.0, 30.0, 12.5])
    pictures = ValidationImages(str(tmp_path / "pictures"))
    pictures.attach(evaluator)
    heights = {}
    for epoch in (1, 2):
        evaluator.state.epoch = epoch - 1
        evaluator.run(range(4), max_epochs=epoch)
        heights[epoch] = imread(tmp_path / "pictures" / f"epoch_{epoch:03d}.png").shape[0]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["epoch_001.png", "epoch_002.png"]
    assert heights[1] == heights[2] == pytest.approx(3 * 3.4 * 80, abs=1)


def test_a_row_is_the_middle_slice_of_the_first_volume(tmp_path):
    evaluator, volumes = validation([30.0, 5.0, 30.0])
    pictures = ValidationImages(str(tmp_path))
    pictures.attach(evaluator)
    evaluator.run(range(3))
    assert set(pictures.rows) == {5.0, 30.0}
    middle = volumes[0][0, ..., 3].numpy()
    expected = {"noisy": middle, "denoised": 2 * middle, "residual": -middle, "clean": 3 * middle}
    for name, image in expected.items():
        np.testing.assert_allclose(pictures.rows[30.0][name], image, rtol=1e-6)


def test_a_validation_forgets_the_volumes_of_the_one_before(tmp_path):
    evaluator, volumes = validation([30.0])
    pictures = ValidationImages(str(tmp_path))
    pictures.attach(evaluator)
    evaluator.run(range(1))
    volumes[0] = torch.rand(SHAPE)
    evaluator.run(range(1), max_epochs=1)
    np.testing.assert_array_equal(pictures.rows[30.0]["noisy"], volumes[0][0, ..., 3].numpy())
