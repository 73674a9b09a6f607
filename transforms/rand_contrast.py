"""A random contrast: the intensities of a clean image, mapped by a random curve."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from monai.utils import TransformBackends
from torch import Tensor

from monai_unsup_denoise.transforms.rand_dictionary import RandOfImaged
from monai_unsup_denoise.transforms.rand_image import RandImage

KINDS = ("monotone", "inverted", "free", "steps")
_EDGE = 0.08  # part of the input range over which a step rises


class RandContrastRemap(RandImage):
    """Map the intensities of a clean image by a random piecewise linear curve from 0 to ``top`` into 0 to 1.

    0 stays 0 (air), and the curve reaches 1 somewhere. Its kind is drawn from ``kinds``:

    - monotone: same order of tissues, other contrast, as with another TR or TE;
    - inverted: the brightest tissue becomes the darkest, as from T1w to T2w;
    - free: any order, as between the sequences of one examination;
    - steps: three to six plateaus, homogeneous as in test objects and segmentations.

    Unlike MONAI's ``RandHistogramShift``, which is monotone and relative to the range of each patch, patches of one
    volume are treated alike. After domain randomisation: Billot et al., Medical Image Analysis 86 (2023) 102789.

    Args:
        kinds: some of ``KINDS``.
        top: input above which the curve is constant. Bright tissue is 1 after ``ScaleToReferenceIntensity``.
        prob: probability of a change.

    Raises:
        ValueError: for an unknown kind, or ``top`` not above 0.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(self, *, kinds: tuple[str, ...] = KINDS, top: float = 1.25, prob: float = 1.0) -> None:
        RandImage.__init__(self, prob)
        if not kinds or set(kinds) - set(KINDS) or not top > 0:
            raise ValueError(f"kinds are some of {KINDS} and top is positive, got {kinds} and {top}")
        self.kinds, self.top = kinds, top
        self.knots, self.values = np.array([0.0, top]), np.array([0.0, 1.0])

    def randomize(self, data: Any = None) -> None:
        """Draw the curve: ``values`` at ``knots``."""
        super().randomize(None)
        kind = self.kinds[self.R.randint(len(self.kinds))]
        count = self.R.randint(3, 7)
        bounds = (np.arange(1, count + 1) + np.append(self.R.uniform(-0.3, 0.3, count - 1), 0)) * self.top / count
        values = self.R.uniform(0, 1, count)
        if kind in ("monotone", "inverted"):
            values = np.cumsum(values + 0.1)
        if kind == "inverted":
            values = values[-1] + values[0] - values
            bounds = np.append(_EDGE * self.top * self.R.uniform(0.5, 1.5), bounds[:-1] + self.top / count / 2)
        if kind == "steps":
            bounds = (bounds[:-1, None] + self.top * _EDGE / 2 * np.array([-1, 1])).ravel()
            values = np.append(0, np.repeat(values[1:], 2)[:-1])
        self.knots, self.values = np.append(0, bounds), np.append(0, values / values.max())

    def _changed(self, image: Tensor) -> Tensor:
        """The curve of both tissues at a border, mixed as before: ``f(x)`` alone would draw lines along borders."""
        low, high = _extreme(image, torch.minimum), _extreme(image, torch.maximum)
        share = (image - low) / (high - low).clamp(min=1e-6)
        return torch.lerp(self._curve(low), self._curve(high), share)

    def _curve(self, image: Tensor) -> Tensor:
        values = np.interp(image.numpy(force=True), self.knots, self.values)
        return torch.from_numpy(values).to(image)


def _extreme(image: Tensor, of_two: Callable[..., Tensor]) -> Tensor:
    """Maximum or minimum of the 3^n voxels around each one in ``(C, *spatial)``: a border is about two voxels wide."""
    for axis in range(1, image.ndim):
        n, around = image.shape[axis], image.clone()
        for first, other in ((0, 1), (1, 0)):
            part = around.narrow(axis, first, n - 1)
            of_two(part, image.narrow(axis, other, n - 1), out=part)
        image = around
    return image


class RandContrastRemapd(RandOfImaged):
    """Dictionary version of ``RandContrastRemap``."""

    backend = RandContrastRemap.backend
    of_image = RandContrastRemap
