"""The weights of the published methods that come with the bundle."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from monai_unsup_denoise.benchmark.baselines.bundle_model import BundleModel
from monai_unsup_denoise.data import phantom_datalist
from monai_unsup_denoise.functional import add_rician_noise

BUNDLE = Path(__file__).parents[2] / "bundles" / "brain_mri_denoise"
PARAMETERS = {"paper": 0.42, "paper_plus": 0.42, "paper_small": 0.11, "cyclegan": 0.41}  # millions
PUBLISHED = {5: 22.5, 30: 19.3}  # dB, T1w, of the published method; CycleGAN 20.0 and 19.8


@pytest.mark.slow
def test_a_phantom_is_denoised_better_than_was_published() -> None:
    """In one test, since the phantom takes long to draw."""
    [item] = phantom_datalist(None, [11], contrasts=["T1w"], progress=False)  # of no training
    volume = np.asarray(nibabel.load(item["image"]).dataobj, dtype=np.float32)
    middle = volume.shape[2] // 2
    clean = volume[:, :, middle - 2 : middle + 2] / volume.max()
    for percent, published in PUBLISHED.items():
        generator = torch.Generator().manual_seed(0)
        noisy = add_rician_noise(torch.from_numpy(clean), percent / 100, generator=generator).numpy()
        for method in PARAMETERS:
            denoised, *_ = model_of(method)(noisy)
            print(f"{method} at {percent} %: {psnr(denoised, clean):.2f} dB")
            assert psnr(denoised, clean) > max(published, psnr(noisy, clean)) + 1.5, f"{method} at {percent} %"


def model_of(name: str) -> BundleModel:
    entry = json.loads((BUNDLE / "configs" / "benchmark.json").read_text())["methods"][name]
    return BundleModel(**entry["parameters"], model=BUNDLE / "models" / entry["weights"])


def psnr(image: np.ndarray, clean: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(image - clean).mean()))


@pytest.mark.parametrize("method", PARAMETERS)
def test_weights_are_small(method: str) -> None:
    path = BUNDLE / "models" / f"model_{method}.pt"
    assert path.stat().st_size < 15e6
    count = sum(values.numel() for values in torch.load(path, weights_only=True).values())
    assert round(count / 1e6, 2) == PARAMETERS[method]
