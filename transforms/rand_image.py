"""What the random transforms of one clean image share: they make a float32 copy, and can replay a draw."""

from typing import Any

from monai.config import NdarrayOrTensor
from monai.data import MetaTensor
from monai.transforms import RandomizableTransform
from monai.utils import convert_to_dst_type
from torch import Tensor

from monai_unsup_denoise.transforms.rician_noise import to_float


class RandImage(RandomizableTransform):
    """A random transform that keeps the shape of an image. Subclasses draw in ``randomize`` and have ``_changed``."""

    def randomize(self, data: Any = None) -> None:
        """Draw for an image ``(C, *spatial)``."""
        super().randomize(None)

    def __call__(self, img: NdarrayOrTensor, randomize: bool = True) -> Tensor:
        """Float32 copy of ``img`` ``(C, *spatial)``; with ``randomize=False`` by the previous draw."""
        image = to_float(img)
        if randomize:
            self.randomize(image)
        if not self._do_transform:
            return image
        plain = image.as_tensor() if isinstance(image, MetaTensor) else image
        return convert_to_dst_type(self._changed(plain), image)[0]

    def _changed(self, image: Tensor) -> Tensor:
        """The image, changed as drawn."""
        raise NotImplementedError
