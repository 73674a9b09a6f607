"""Generated images of earlier iterations, for the discriminators."""

from __future__ import annotations

import torch


class ImagePool:
    """A buffer that replaces half of the generated images by older ones, so that a discriminator does not forget.

    Until the pool is full, images pass through and are kept. Then each image, with probability 1/2, is exchanged for a
    random one of the pool.

    Args:
        size: images kept; 0 for no pool.

    Shrivastava A et al. (2017). Learning from simulated and unsupervised images through adversarial training. CVPR,
    section 2.3.
    """

    def __init__(self, size: int = 50) -> None:
        if size < 0:
            raise ValueError(f"size: a pool keeps 0 images or more, got {size}")
        self.size = size
        self.images: list[torch.Tensor] = []

    def exchange(self, images: torch.Tensor) -> torch.Tensor:
        """A batch like ``images`` ``(B, C, *spatial)``, some of them replaced by older ones; without gradient."""
        return torch.stack([self._exchange(image) for image in images.detach()])

    def _exchange(self, image: torch.Tensor) -> torch.Tensor:
        if len(self.images) < self.size:
            self.images.append(image.clone())
            return image
        if self.size == 0 or torch.rand(()) < 0.5:
            return image
        index = int(torch.randint(self.size, ()))
        old, self.images[index] = self.images[index], image.clone()
        return old
