"""What echo-planar imaging does to a clean image: blur and distortion along the phase encoding."""

import math
from collections.abc import Sequence

import torch
from monai.utils import TransformBackends
from torch import Tensor
from torch.nn import functional as F

from monai_unsup_denoise.transforms.rand_dictionary import RandOfImaged
from monai_unsup_denoise.transforms.rand_image import RandImage

_WAVES = 2  # of the field along each axis: constant, and half a period over the patch
_STEEPEST = 0.5  # change of the shift from voxel to voxel; at 1 the image folds


class RandEchoPlanar(RandImage):
    """Blur and distort a clean patch along one random axis, the phase encoding of an echo-planar image.

    - Signal decays by ``exp(-decay)`` from the centre to the edge of k-space. The point spread is a Lorentzian with a
      full width of ``2 decay / pi`` voxels: half the readout (10 to 40 ms) over T2' or T2 (30 to 80 ms).
    - An off-resonance field shifts the signal by up to ``shift`` voxels, smoothly: 20 to 60 Hz at 10 to 20 Hz per
      voxel. The total signal is kept: ``out(y) = in(y + u) (1 + du/dy)``.

    Jezzard and Balaban, Magnetic Resonance in Medicine 34 (1995) 65.

    Args:
        decay: lowest and highest decay.
        shift: largest shift in voxels. It is reduced where it would fold the image.
        axes: spatial axes that can be the phase encoding.
        prob: probability of a change.

    Raises:
        ValueError: for negative or unordered arguments.
    """

    backend = [TransformBackends.TORCH]

    def __init__(
        self,
        *,
        decay: Sequence[float] = (0.2, 2.0),
        shift: float = 4.0,
        axes: Sequence[int] = (0, 1),
        prob: float = 1.0,
    ) -> None:
        RandImage.__init__(self, prob)
        if len(decay) != 2 or not 0 <= decay[0] <= decay[1] or shift < 0 or not axes:
            raise ValueError(
                "decay is (lowest, highest) from 0 up, shift not negative, axes not empty, got "
                f"{decay}, {shift} and {axes}"
            )
        self.decays, self.shift, self.axes = tuple(decay), shift, tuple(axes)
        self.axis, self.decay, self.waves = self.axes[0], 0.0, torch.zeros((_WAVES,) * 3)

    def randomize(self, data: Tensor) -> None:
        """Draw ``axis``, ``decay`` and ``waves``: amplitudes of the shift's cosines in voxels, as for ``distorted``."""
        super().randomize(None)
        self.axis = self.axes[self.R.randint(len(self.axes))]
        self.decay = float(self.R.uniform(*self.decays))
        largest = min(self.shift, _STEEPEST * data.shape[self.axis + 1] / (math.pi * (_WAVES - 1)))
        waves = self.R.standard_normal((_WAVES,) * 3)
        waves[0, 0, 0] = 0.0  # it would move the whole patch
        self.waves = torch.from_numpy(self.R.uniform(0, largest) * waves / abs(waves).sum()).float()

    def _changed(self, image: Tensor) -> Tensor:
        return decayed(distorted(image, self.waves, self.axis), self.decay, self.axis)


def decayed(image: Tensor, decay: float, axis: int) -> Tensor:
    """``image`` ``(C, *spatial)`` with k-space times ``exp(-decay |k| / k_max)`` along a spatial axis.

    The image is continued by its mirror image, so that opposite borders do not mix. The point spread is positive.
    """
    n = image.shape[axis + 1]
    spectrum = torch.fft.rfft(torch.cat([image, image.flip(axis + 1)], axis + 1), dim=axis + 1)
    weights = torch.exp(-decay * torch.linspace(0, 1, n + 1, device=image.device))
    blurred = torch.fft.irfft(spectrum * weights.view([-1 if i == axis else 1 for i in range(3)]), 2 * n, axis + 1)
    return blurred.narrow(axis + 1, 0, n).clamp(min=0)


def distorted(image: Tensor, waves: Tensor, axis: int) -> Tensor:
    """``image`` ``(C, X, Y, Z)`` with its signal shifted along a spatial axis by a smooth field.

    u(x, y, z) = sum of waves[i, j, k] cos(pi i x / X) cos(pi j y / Y) cos(pi k z / Z)    in voxels
    """
    shape = image.shape[1:]
    shift = waves.to(image)
    for n in shape:  # each takes the first axis and appends its own
        phases = torch.pi * torch.arange(len(shift))[:, None] * (torch.arange(n) + 0.5) / n
        shift = torch.tensordot(shift, phases.cos().to(image), dims=([0], [0]))
    places = F.affine_grid(torch.eye(3, 4)[None], [1, 1, *shape], align_corners=True).to(image)
    places[0, ..., 2 - axis] += shift * (2 / (shape[axis] - 1))
    moved = F.grid_sample(image[None], places, padding_mode="border", align_corners=True)[0]
    return moved * (1 + torch.gradient(shift, dim=axis)[0])


class RandEchoPlanard(RandOfImaged):
    """Dictionary version of ``RandEchoPlanar``; all images have the same shape."""

    backend = RandEchoPlanar.backend
    of_image = RandEchoPlanar
