"""Denoise a scan with ONNX in overlapping windows, without PyTorch, MONAI or this package.

    mri-denoise export-onnx model.onnx
    python examples/onnx_windows.py model.onnx scan.nii.gz denoised.nii.gz

The result is that of ``mri-denoise denoise --no-refine --no-varying-noise --no-correlated-noise``, within 0.0001 of the
range. Needs nibabel, numpy and onnxruntime.
"""

import itertools
import sys

import nibabel
import numpy as np
import onnxruntime

model_path, scan_path, output_path = sys.argv[1:]
model = onnxruntime.InferenceSession(model_path)
noise_model = onnxruntime.InferenceSession(model_path.removesuffix(".onnx") + "_noise.onnx")
scan = nibabel.load(scan_path)
volume = scan.get_fdata(dtype=np.float32)

# Reference intensity: percentile 99.5 of the medians of 3 x 3 x 3 blocks, among those above their mean.
blocks = np.lib.stride_tricks.sliding_window_view(volume, np.minimum(3, volume.shape))[::3, ::3, ::3]
medians = np.percentile(blocks, 50, axis=(3, 4, 5), method="lower")
reference = np.percentile(medians[medians > medians.mean()], 99.5)
image = (volume / reference).astype(np.float32)[None, None]

# Noise code of the whole volume, and its noise level in units of the reference intensity.
code, sigma = noise_model.run(["own_code", "sigma"], {"image": image})
print(f"sigma {reference * sigma[0]:.4g}")

# Windows of 96 voxels that overlap by a quarter, blended by a Gaussian weight.
sides = [min(96, n) for n in volume.shape]
starts = [sorted({*range(0, n - side, 72), n - side}) for n, side in zip(volume.shape, sides, strict=True)]
lines = [np.exp(-(((np.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) / 2) for n in sides]
weight = np.einsum("i,j,k->ijk", *lines).astype(np.float32)
total, weights = np.zeros_like(image), np.zeros_like(image)
for corner in itertools.product(*starts):
    window = (..., *(slice(start, start + side) for start, side in zip(corner, sides, strict=True)))
    total[window] += weight * model.run(["pred"], {"image": image[window], "code": code})[0]
    weights[window] += weight
denoised = reference * (total / weights)[0, 0]

scan.header.set_data_dtype(np.float32)
nibabel.save(nibabel.Nifti1Image(denoised, scan.affine, scan.header), output_path)
