"""Training of the noise encoder alone, on noise that was made and is therefore known."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool3d, smooth_l1_loss

from monai_unsup_denoise.functional import upsample_to
from monai_unsup_denoise.losses.noise_codes import draw_codes
from monai_unsup_denoise.losses.objective import (
    Images,
    Networks,
    Objective,
    Terms,
    check_weights,
    denoiser_of,
    noise_generator_of,
)
from monai_unsup_denoise.protocols import CellReader

_error = partial(smooth_l1_loss, reduction="none", beta=0.3)
_TISSUE = 0.05  # of the reference intensity: mean of a cell in tissue
_DEPTHS = (1, 2, 4, 8, 16)  # slices of a thin stack


class NoiseReadingObjective(Objective):
    """``E^n`` regressed onto the codes of noise that ``G_L`` added to clean images, with how sure it is.

    The noise level of each image is drawn log-uniformly. The code of an image is learned by the likelihood of a Laplace
    distribution, ``|error| / b + log b``, whose width ``b`` is what the encoder's log-variance says. So it learns how
    far off it will be. The level that counts is the mean over tissue, wherever it is read: air may have less noise, and
    the noise may vary.

    Networks: ``denoiser`` with a ``NoiseReader``, and ``generator_low``.

    Args:
        weights: one number for each of ``TERMS``: of the code of the image, and of the level of each cell.
        levels: lowest and highest sigma, in units of the reference intensity.
        thin: share of the batches that are cut to stacks of few slices.
    """

    TERMS = ("level", "correlation", "coils", "cells")

    def __init__(
        self, weights: Mapping[str, float], *, levels: Sequence[float] = (0.003, 0.4), thin: float = 0.3
    ) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.levels = levels
        self.thin = thin

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The error of the codes of images, and of those of their cells."""
        denoiser, clean = denoiser_of(networks), self._cut(batch["clean"])
        noisy, code, _ = noise_generator_of(networks).corrupt(clean, draw_codes(denoiser, self.levels, like=clean))
        code = upsample_to(code, noisy)
        reader = cast(CellReader, denoiser.noise_encoder)
        cells = reader.cells(noisy)
        mean, log_variance, weight = reader.pool(cells)
        local = adaptive_avg_pool3d(code[:, :1].float(), (*cells.shape[2:],)).flatten(2)[:, 0]
        tissue = adaptive_avg_pool3d(clean.float(), (*cells.shape[2:],)).flatten(2)[:, 0] > _TISSUE
        tissue = tissue | ~tissue.any(1, keepdim=True)
        level = (tissue * local).sum(1, keepdim=True) / tissue.sum(1, keepdim=True)
        truth = torch.cat([level, code.flatten(2).mean(2)[:, 1:]], dim=1)
        likelihood = (mean - truth).abs().detach() * torch.exp(-log_variance / 2) + log_variance / 2
        local_error = (_error(cells[:, -10].flatten(1), local) * weight.detach()).sum(1)
        parts = (0.2 * likelihood + 2 * _error(mean, truth)).mean(0)
        terms = {"level": parts[0], "correlation": parts[1:4].mean(), "coils": parts[4], "cells": local_error.mean()}
        return terms, {"pred": noisy.detach()}

    def _cut(self, clean: Tensor) -> Tensor:
        if float(torch.rand(())) >= self.thin:
            return clean
        depth = _DEPTHS[int(torch.randint(len(_DEPTHS), ()))]
        return clean.narrow(-1, (clean.shape[-1] - depth) // 2, depth) if depth < clean.shape[-1] else clean
