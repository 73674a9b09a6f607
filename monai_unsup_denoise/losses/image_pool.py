"""Generated images of earlier iterations, for the discriminators."""

import torch
from torch import Tensor


class ImagePool:
    """A buffer of ``size`` images that replaces half of the generated ones, so that a discriminator does not forget.

    Until it is full, images pass through and are kept. Then each image, with probability 1/2, is exchanged for a random
    one of the pool. With size 0 all pass through.

    Shrivastava A et al. (2017). Learning from simulated and unsupervised images through adversarial training. CVPR,
    section 2.3.
    """

    def __init__(self, size: int = 50) -> None:
        if size < 0:
            raise ValueError(f"size: a pool keeps 0 images or more, got {size}")
        self.size = size
        self.images: list[Tensor] = []

    def exchange(self, images: Tensor) -> Tensor:
        """A batch like ``images`` ``(B, C, *spatial)``, some of them replaced by older ones; without gradient."""
        return torch.stack([self._exchange(image) for image in images.detach()])

    def _exchange(self, image: Tensor) -> Tensor:
        if len(self.images) < self.size:
            self.images.append(image.clone())
            return image
        if self.size == 0 or torch.rand(()) < 0.5:
            return image
        index = int(torch.randint(self.size, ()))
        old, self.images[index] = self.images[index], image.clone()
        return old
