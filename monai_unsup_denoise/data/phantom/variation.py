"""What can follow a scan of a phantom: strong shading by receive coils, and skull stripping."""

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from monai_unsup_denoise.data.phantom.acquisition import Scan
from monai_unsup_denoise.data.phantom.contrast import CSF, GREY, WHITE


def vary(scan: Scan, rng: np.random.Generator) -> Scan:
    """Shade half of the scans by a receive field, and strip the skull from a third of them."""
    shaded, stripped = rng.random(2) < (1 / 2, 1 / 3)
    if shaded:
        spacing = np.linalg.norm(scan.affine[:3, :3], axis=0)
        scan = scan._replace(image=scan.image * receive_field(scan.image.shape, spacing, rng=rng).numpy())
    return strip_skull(scan, grow=int(rng.integers(-1, 3))) if stripped else scan


def strip_skull(scan: Scan, *, grow: int) -> Scan:
    """Set all but the brain and its CSF to exactly 0, by a binary mask, as tools for skull stripping do.

    ``grow`` voxels too many are kept, or too few if negative: such tools cut into the cortex, or leave dura and skull.
    """
    brain = ndimage.binary_closing(np.isin(scan.tissue, (CSF, GREY, WHITE)), iterations=2)
    if grow:
        change = ndimage.binary_dilation if grow > 0 else ndimage.binary_erosion
        brain = change(brain, iterations=abs(grow))
    return Scan(scan.image * brain, scan.tissue * brain, scan.affine)


def receive_field(shape: tuple[int, ...], spacing: np.ndarray, *, rng: np.random.Generator) -> Tensor:
    """Sensitivity of 1 to 8 surface coils around a volume, as combined by sum of squares; float32, maximum 1.

        sqrt( sum over coils of (1 + d^2 / R^2)^-3 )

    is the field on the axis of a loop of radius ``R`` at distance ``d``, here in all directions. A single loop has 1.4
    to 2 times the mean half side of the volume, and several have the same area together. They lie 1.05 to 1.4 times as
    far from the centre as the faces of the volume. ``spacing`` is the size of a voxel.

    Roemer et al., Magnetic Resonance in Medicine 16 (1990) 192.
    """
    half = np.array(shape) * spacing / 2
    axes = [torch.linspace(-1, 1, n) * float(h) for n, h in zip(shape, half, strict=True)]
    total = torch.zeros(shape)
    count = int(rng.integers(1, 9))
    for _ in range(count):
        direction = rng.standard_normal(3)
        centre = direction / np.linalg.norm(direction) * half * rng.uniform(1.05, 1.4)
        radius = rng.uniform(1.4, 2.0) / np.sqrt(count) * float(half.mean())
        x, y, z = (((axis - float(c)) / radius).square() for axis, c in zip(axes, centre, strict=True))
        total += (1 + x[:, None, None] + y[:, None] + z).pow_(-3)
    return total.sqrt_().div_(total.max())
