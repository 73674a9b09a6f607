"""A random texture: clean images that are structured everywhere, as trabecular bone and some test objects are."""

from collections.abc import Sequence

import numpy as np
import torch
from monai.utils import TransformBackends
from scipy.ndimage import gaussian_filter
from torch import Tensor

from monai_unsup_denoise.transforms.rand_dictionary import RandOfImaged
from monai_unsup_denoise.transforms.rand_image import RandImage


class RandTexture(RandImage):
    """Multiply a clean patch by a random texture, ``A (1 + strength t(r))``, not below 0.

    ``t`` is a Gaussian random field of variance 1, white noise smoothed by a Gaussian with a standard deviation of
    ``size`` voxels, along two axes or three: structure of a size that noise can have, in proportion to the signal. In
    half of the patches slices are independent. Air stays 0.

    Args:
        size: least and largest standard deviation of the Gaussian, in voxels; drawn log-uniformly.
        strength: least and largest strength.
        prob: probability of a change.

    Raises:
        ValueError: for sizes that are not positive, negative strengths, and unordered arguments.
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self, *, size: Sequence[float] = (0.9, 3.0), strength: Sequence[float] = (0.05, 0.6), prob: float = 1.0
    ) -> None:
        RandImage.__init__(self, prob)
        if not (len(size) == len(strength) == 2 and 0 < size[0] <= size[1] and 0 <= strength[0] <= strength[1]):
            raise ValueError(
                f"size is (least, largest) above 0, strength (least, largest) from 0 up, got {size} and {strength}"
            )
        self.sizes, self.strengths = tuple(size), tuple(strength)
        self.texture, self.strength = np.zeros(()), 0.0

    def randomize(self, data: Tensor) -> None:
        """Draw ``strength``, and the field ``texture`` ``(*spatial)`` for an image ``(C, *spatial)``."""
        super().randomize(None)
        size = float(np.exp(self.R.uniform(*np.log(self.sizes))))
        self.strength = float(self.R.uniform(*self.strengths))
        sizes = [size] * (data.dim() - 1)
        if len(sizes) == 3 and self.R.uniform() < 0.5:
            sizes[-1] = 0.0
        field = gaussian_filter(self.R.standard_normal(tuple(data.shape[1:])), sizes, mode="wrap")
        self.texture = field / max(float(field.std()), 1e-6)

    def _changed(self, image: Tensor) -> Tensor:
        return image * torch.from_numpy(1 + self.strength * self.texture).to(image).clamp(min=0)


class RandTextured(RandOfImaged):
    """Dictionary version of ``RandTexture``; all images have the same shape."""

    backend = RandTexture.backend
    of_image = RandTexture
