"""A random crop of a clean volume with other voxels: larger ones, thick slices, gaps between slices."""

import math
from collections.abc import Sequence

import torch
from monai.config import NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import RandomizableTransform
from monai.utils import TransformBackends, convert_to_dst_type
from torch import Tensor

from monai_unsup_denoise.transforms.rand_dictionary import RandOfImaged
from monai_unsup_denoise.transforms.rician_noise import to_float

_FINEST = 0.75  # of the voxels of the volume; finer ones would show no more of it
_ANISOTROPIC = 1.2  # ratio of the sides of a voxel from which its longest one is the slice thickness


class RandVoxelSizeCrop(RandomizableTransform):
    """Crop a random box and average it to ``patch_size`` voxels of a random size, as the scanner does.

        out[i] = integral of p(x - c_i) image(x) dx

    along each axis, exactly, for voxels of constant intensity. In the plane ``p`` is a voxel wide rectangle. Across
    slices it is a trapezoid, the profile of a selective pulse: as wide as the slice at half height, with flanks of 0 to
    half of that. Voxel sizes are in mm by the affine of the image, or relative to its voxels if it has none.

    Args:
        patch_size: of the result, three numbers. The image must not be smaller.
        in_plane: lowest and highest voxel size, drawn log-uniformly. Research scans have 0.5, EPI at low field 4 mm.
        thickness: lowest and highest slice thickness, drawn log-uniformly; 1 (volumetric) to 8 mm (2-D clinical).
        gap: largest gap between slices, relative to their thickness. Multislice protocols use 0 to 30 %.
        isotropic: probability of cubic voxels, without a gap.
        prob: probability of other voxels, else it is a plain crop.

    The slice axis is that of the longest voxel side; in a volume with cubic voxels it is random. Voxels are never finer
    than three quarters of those of the image, nor so large that the image has too few.

    Raises:
        ValueError: for invalid ranges; when called, if the image is smaller than ``patch_size``.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        patch_size: Sequence[int],
        *,
        in_plane: Sequence[float] = (0.5, 4.0),
        thickness: Sequence[float] = (1.0, 8.0),
        gap: float = 0.3,
        isotropic: float = 0.5,
        prob: float = 1.0,
    ) -> None:
        RandomizableTransform.__init__(self, prob)
        if len(patch_size) != 3 or any(not 0 < low <= high for low, high in (in_plane, thickness)) or gap < 0:
            raise ValueError(
                "patch_size has three numbers, in_plane and thickness are (lowest, highest) above 0, gap is not "
                f"negative, got {patch_size}, {in_plane}, {thickness} and {gap}"
            )
        self.patch_size, self.in_plane, self.thickness = tuple(patch_size), tuple(in_plane), tuple(thickness)
        self.gap, self.isotropic = gap, isotropic
        self.step, self.width, self.flank, self.start = [1.0] * 3, [1.0] * 3, [0.0] * 3, [0.0] * 3

    def randomize(self, data: Tensor) -> None:
        """Draw for each axis, in voxels of ``data``: the ``step`` and ``width`` of new voxels, their ``flank``, and the
        ``start``, which is the first voxel's centre."""
        super().randomize(None)
        shape = data.shape[1:]
        if any(n < patch for n, patch in zip(shape, self.patch_size, strict=True)):
            raise ValueError(f"the image (shape {tuple(shape)}) is smaller than the patch {self.patch_size}; pad it")
        spacing = [float(side) for side in data.pixdim] if isinstance(data, MetaTensor) else [1.0] * 3
        axis, size, flank = self.R.randint(3), self._log_uniform(self.in_plane), [0.0] * 3
        steps, widths = [size] * 3, [size] * 3
        if max(spacing) > _ANISOTROPIC * min(spacing):
            axis = spacing.index(max(spacing))
        if self.R.uniform() >= self.isotropic:
            widths[axis] = max(self._log_uniform(self.thickness), size)
            steps[axis] = widths[axis] * (1 + max(self.R.uniform(-self.gap, self.gap), 0))
            flank[axis] = self.R.uniform(0, 0.5)
        if not self._do_transform:
            steps, widths, flank = spacing, spacing, [0.0] * 3
        for i in range(3):
            step = min(max(steps[i] / spacing[i], _FINEST), shape[i] / self.patch_size[i])
            self.width[i] = max(step * widths[i] / steps[i], 1.0)
            self.step[i], self.flank[i] = step, flank[i] * self.width[i]
            room = shape[i] - step * self.patch_size[i]
            offset = self.R.uniform(0, room)
            self.start[i] = (step - 1) / 2 + (offset if self._do_transform else round(offset))

    def _log_uniform(self, limits: tuple[float, ...]) -> float:
        return float(math.exp(self.R.uniform(*(math.log(limit) for limit in limits))))

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> Tensor:
        """Float32 ``(C, *patch_size)`` from ``img`` ``(C, X, Y, Z)``; with ``randomize=False`` by the previous draw."""
        image = to_float(img)
        if randomize:
            self.randomize(image)
        out = image.as_tensor() if isinstance(image, MetaTensor) else image
        for i, n in enumerate(self.patch_size):
            centres = self.start[i] + self.step[i] * torch.arange(n, dtype=torch.float64)
            weights = profile_weights(centres, out.shape[i + 1], width=self.width[i], flank=self.flank[i])
            used = weights.any(0).nonzero()[:, 0]
            first, count = int(used[0]), int(used[-1] - used[0]) + 1
            weights = weights[:, first : first + count].to(out)
            out = torch.tensordot(out.narrow(i + 1, first, count), weights, dims=([i + 1], [1])).movedim(-1, i + 1)
        result = convert_to_dst_type(out.contiguous(), image)[0]
        if isinstance(result, MetaTensor):
            to_image = torch.diag(torch.tensor([*self.step, 1.0], dtype=torch.float64))
            to_image[:3, 3] = torch.tensor(self.start, dtype=torch.float64)
            result.affine = image.affine.double() @ to_image.to(image.affine.device)
        return result


def profile_weights(centres: Tensor, size: int, *, width: float, flank: float) -> Tensor:
    """Share of each of ``size`` voxels in slices at ``centres``, ``(len(centres), size)``; rows have sum 1.

    The profile is a trapezoid: a rectangle of ``width`` convolved with one of ``flank``, both in voxels.
    """
    borders = torch.arange(size + 1, dtype=torch.float64) - 0.5 - centres[:, None]
    cumulative = (_ramp(borders + width / 2, flank) - _ramp(borders - width / 2, flank)) / width
    weights = cumulative.diff(dim=1)
    return weights / weights.sum(1, keepdim=True)


def _ramp(x: Tensor, flank: float) -> Tensor:
    """Integral of a step at 0 that rises over ``flank``."""
    if not flank:
        return x.clamp(min=0)
    return (x + flank / 2).clamp(0, flank).square() / (2 * flank) + (x - flank / 2).clamp(min=0)


class RandVoxelSizeCropd(RandOfImaged):
    """Dictionary version of ``RandVoxelSizeCrop``; all images have the same shape."""

    backend = RandVoxelSizeCrop.backend
    of_image = RandVoxelSizeCrop
