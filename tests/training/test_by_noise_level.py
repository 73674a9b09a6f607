"""PSNR and SSIM by noise level, against scikit-image."""

import pytest
import torch
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.metrics import PSNRMetric, SSIMMetric
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from monai_unsup_denoise.training.by_noise_level import ByNoiseLevel

SHAPE = (1, 16, 14, 12)
LEVELS = (5.0, 30.0, 5.0, 12.5)


@pytest.fixture
def volumes():
    """Predictions, references and noise levels of four volumes."""
    references = [torch.rand(SHAPE) for _ in LEVELS]
    return [
        (reference + 0.01 * (index + 1) * torch.randn(SHAPE), reference, level)
        for index, (reference, level) in enumerate(zip(references, LEVELS, strict=True))
    ]


def skimage_psnr(prediction, reference):
    return peak_signal_noise_ratio(reference.numpy(), prediction.numpy(), data_range=1)


def skimage_ssim(prediction, reference):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    return structural_similarity(reference[0].numpy(), prediction[0].numpy(), **options)


def expected(name, metric, volumes):
    values = [metric(prediction, reference) for prediction, reference, _ in volumes]
    return {
        name: sum(values) / 4,
        f"{name}_05": (values[0] + values[2]) / 2,
        f"{name}_12.5": values[3],
        f"{name}_30": values[1],
    }


def evaluate(volumes, metrics, *, batch_size=1):
    """Run MONAI's evaluator with a network that gives the predictions back."""
    items = [{"image": p, "label": r, "level": level} for p, r, level in volumes]
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(items), batch_size=batch_size),
        network=torch.nn.Identity(),
        key_val_metric=dict(metrics[:1]),
        additional_metrics=dict(metrics[1:]),
    )
    evaluator.run()
    return evaluator


@pytest.mark.parametrize("batch_size", [1, 3])
def test_metrics_in_an_evaluator_equal_those_of_skimage(volumes, batch_size):
    psnr = ByNoiseLevel(PSNRMetric(max_val=1.0), "psnr")
    ssim = ByNoiseLevel(SSIMMetric(spatial_dims=3), "ssim")
    evaluator = evaluate(volumes, [("psnr", psnr), ("ssim", ssim)], batch_size=batch_size)
    wanted = expected("psnr", skimage_psnr, volumes)
    assert {k: v for k, v in evaluator.state.metrics.items() if "psnr" in k} == pytest.approx(wanted, abs=1e-3)
    wanted = expected("ssim", skimage_ssim, volumes)
    assert {k: v for k, v in evaluator.state.metrics.items() if "ssim" in k} == pytest.approx(wanted, abs=1e-3)
    assert evaluator.state.key_metric_name == "psnr"
    assert evaluator.state.best_metric == evaluator.state.metrics["psnr"]


def test_a_second_run_forgets_the_first(volumes):
    metric = ByNoiseLevel(PSNRMetric(max_val=1.0), "psnr")
    evaluator = evaluate(volumes, [("psnr", metric)])
    first = dict(evaluator.state.metrics)
    evaluator.run()
    assert evaluator.state.metrics == first
    assert len(metric.values) == len(volumes)


def test_metadata_of_the_images_does_not_matter(volumes):
    metric = ByNoiseLevel(PSNRMetric(max_val=1.0), "psnr")
    pairs = [(MetaTensor(prediction), MetaTensor(reference)) for prediction, reference, _ in volumes]
    metric.update((pairs, list(LEVELS)))
    assert metric.compute() == pytest.approx(expected("psnr", skimage_psnr, volumes), abs=1e-3)


def test_an_empty_evaluation_set_is_an_error():
    with pytest.raises(ValueError, match="psnr: no volume was evaluated"):
        ByNoiseLevel(PSNRMetric(max_val=1.0), "psnr").compute()
