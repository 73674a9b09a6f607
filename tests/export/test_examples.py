"""The examples of the documentation denoise as the package does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import nibabel
import numpy as np
import pytest
import torch

from monai_unsup_denoise.inference import Denoiser
from tests.export.conftest import Exported, noisy_blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "exports.md"

pytestmark = pytest.mark.slow  # exporting takes a minute


@pytest.mark.parametrize("shape", [(133, 24, 20), (32, 25, 2)], ids=["larger than a tile", "two slices"])
def test_examples_equal_the_package(
    small: Exported, shape: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script with tiles, then the code blocks of the page, which go on with its variables."""
    noisy = 700 * noisy_blocks(1, *shape)[0, 0].numpy()
    nibabel.save(nibabel.Nifti1Image(noisy.astype(np.int16), np.diag([1.0, 1, 2, 1])), tmp_path / "scan.nii.gz")
    (tmp_path / "model.onnx").symlink_to(small.path)
    (tmp_path / "model_noise.onnx").symlink_to(small.noise_path)
    torch.jit.script(small.network).save(tmp_path / "model.ts")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["onnx_tiles.py", "model.onnx", "scan.nii.gz", "denoised.nii.gz"])
    names = runpy.run_path(str(ROOT / "examples" / "onnx_tiles.py"))

    settings = {"refine": False, "varying_noise": False}
    denoiser = Denoiser.from_bundle(network=small.network, device="cpu", settings=settings)
    denoiser.inferer.autocast = None
    expected = denoiser.denoise(tmp_path / "scan.nii.gz")
    assert np.abs(expected.denoised - expected.noisy).max() > 10
    written = nibabel.load(tmp_path / "denoised.nii.gz")
    assert np.abs(written.get_fdata() - expected.denoised).max() < 1e-4 * np.ptp(expected.denoised)
    np.testing.assert_array_equal(written.affine, expected.affine)
    assert written.get_data_dtype() == np.float32
    assert names["reference"] * float(names["sigma"][0]) == pytest.approx(expected.sigma, rel=1e-4)

    predictions = []
    for example in re.findall(
        r"^```python\n(.+?)^```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    ):
        exec(example, names)
        predictions.append(np.squeeze(names.get("pred")))
    np.testing.assert_allclose(predictions[-2], predictions[-1], atol=1e-4)  # in one pass: ONNX and TorchScript
