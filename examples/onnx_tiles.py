"""Denoise a scan with ONNX tile by tile, without PyTorch, MONAI or this package.

    mri-denoise export-onnx model.onnx
    python examples/onnx_tiles.py model.onnx scan.nii.gz denoised.nii.gz

The result is that of ``mri-denoise denoise --no-refine --no-varying-noise``, in float32, within 0.0001 of the range for
volumes of up to a million voxels; the noise of larger ones is read there in slabs. Needs nibabel, numpy and
onnxruntime.
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

# Tiles of up to 128 voxels, computed with 16 voxels more on each side: no seams. They start at multiples of 8, because
# the network halves the resolution. Where the length of an axis is no multiple of 4, the last tile reaches further
# back: the graph would pad it, and next to padding the network denoises less.
axes = []
for length in volume.shape:
    side = -(-length // (8 * -(-length // 128))) * 8
    whole = length - length % 4 or length
    rest = max(whole - 16, length - whole) if whole < length else length
    tiles = []
    for start in range(0, rest, side):
        stop = min(start + side, rest)
        first, last = max(0, start - 16), min(whole, start + side + 16)
        if first > 0 and last == whole:
            first = max(0, last + (first - last) // 8 * 8)
        tiles.append((slice(start, stop), slice(first, last), slice(start - first, stop - first)))
    if rest < length:
        first = length - min(whole, -(-(length - rest + 16) // 8) * 8)
        tiles.append((slice(rest, length), slice(first, length), slice(rest - first, length - first)))
    axes.append(tiles)
pred = np.zeros_like(image)
for tile in itertools.product(*axes):
    core, outer, inner = zip(*tile, strict=True)
    pred[(..., *core)] = model.run(["pred"], {"image": image[(..., *outer)], "code": code})[0][(..., *inner)]
denoised = reference * pred[0, 0]

scan.header.set_data_dtype(np.float32)
nibabel.save(nibabel.Nifti1Image(denoised, scan.affine, scan.header), output_path)
