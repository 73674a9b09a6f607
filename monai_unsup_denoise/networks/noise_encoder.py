"""The noise encoder ``E^n``."""

from __future__ import annotations

import math

import torch
from monai.networks.layers import Conv
from torch import nn

from monai_unsup_denoise.functional import triangular_smooth


class NoiseEncoder(nn.Module):
    """What the noise of an image looks like, ``E^n``: mean and log-variance of the noise code ``z``.

    It looks where noise can be told from anatomy: at the energy of the diagonal second difference in small windows, the
    statistic behind most noise-level estimators (Immerkaer, CVIU 1996; Donoho's HH band), set against the local mean
    (which tells Rayleigh background from Gaussian tissue) and against the gradient energy (which tells structure from
    white noise). The image's channels are averaged: each measures the same noise. A small network weighs the windows
    and corrects each; the weighted mean is the code.

    All but the log-energy itself is invariant to the image's scale, so the code is affine in the logarithm of it:
    ``z(c x) = z(x) + w log c``. Windows of exact zeros (masked background) are left out.

    Untrained, it is the plain estimator: the code is ``log(s / sigma) / spread``, with ``log s`` the mean log-energy.

    Args:
        spatial_dims: 2 or 3. Differences are taken along the first two axes.
        code_channels: length of the noise code.
        channels: features of the small network, which looks at one window at a time.
        window: side of the windows in voxels.
        sigma, spread: as in ``NoiseLevel``, whose inverse the untrained encoder is.
        map_scale: voxels over which :meth:`code_map` is smooth.
    """

    def __init__(
        self,
        spatial_dims: int,
        *,
        code_channels: int = 1,
        channels: int = 32,
        window: int = 8,
        sigma: float = 0.1,
        spread: float = 0.7,
        map_scale: int = 32,
    ) -> None:
        super().__init__()
        pointwise = Conv["conv", spatial_dims]
        self.spatial_dims = spatial_dims
        self.window = window
        self.map_scale = map_scale
        self.network = nn.Sequential(
            pointwise(3, channels, kernel_size=1),
            nn.ReLU(),
            pointwise(channels, channels, kernel_size=1),
            nn.ReLU(),
            pointwise(channels, channels, kernel_size=1),
            nn.ReLU(),
        )
        # Of each window: its weight, the correction of its log-energy, and further features.
        self.head = pointwise(channels, channels + 2, kernel_size=1)
        with torch.no_grad():
            self.head.weight[:2] = 0
            self.head.bias[:2] = 0
        # Element-wise, not nn.Linear: autocast would round the logarithm of sigma to 8 bits.
        self.mean_weight = nn.Parameter(0.01 * torch.randn(code_channels, channels + 1))
        self.log_variance_weight = nn.Parameter(torch.zeros(code_channels, channels + 1))
        self.mean_bias = nn.Parameter(torch.full((code_channels,), -math.log(sigma) / spread))
        self.log_variance_bias = nn.Parameter(torch.full((code_channels,), -4.0))
        with torch.no_grad():
            self.mean_weight[:, 0] = 1 / spread

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and log-variance of the code, each ``(B, code_channels)``, of ``image`` ``(B, C, *spatial)``."""
        weight, local = self._weigh_windows(image)
        pooled = (weight.flatten(2) * local.flatten(2)).sum(-1).unsqueeze(1)
        mean = (pooled * self.mean_weight).sum(-1) + self.mean_bias
        log_variance = (pooled * self.log_variance_weight).sum(-1) + self.log_variance_bias
        return mean, log_variance

    @torch.jit.export
    def code_map(self, image: torch.Tensor) -> torch.Tensor:
        """How the mean of the code varies over ``image``: a smooth coarse map ``(B, code_channels, *grid)``.

        Each node is the weighted mean of the windows within about ``map_scale`` voxels; where none of them has weight,
        the mean over the image, which always counts a little.
        """
        weight, local = self._weigh_windows(image)
        code = torch.einsum("bc...,kc->bk...", local, self.mean_weight)
        weight = weight * (weight[0, 0].numel())  # 1 on average
        mean = (weight * code).flatten(2).mean(-1)
        for _ in range(code.dim() - 2):
            mean = mean.unsqueeze(-1)
        near, total = self._smooth(weight * code), self._smooth(weight)
        bias: torch.Tensor = self.mean_bias
        for _ in range(code.dim() - 2):
            bias = bias.unsqueeze(-1)
        return (near + 0.02 * mean) / (total + 0.02) + bias

    def _weigh_windows(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight of each window ``(B, 1, *)``, which sum to 1, and what it says ``(B, channels + 1, *)``."""
        log_energy, features, empty = self._local_statistics(image.float())
        out = self.head(self.network(features)).float()
        weight = torch.softmax((out[:, :1] - 1e4 * empty).flatten(1), dim=1).view_as(empty)
        return weight, torch.cat([log_energy + out[:, 1:2], out[:, 2:]], dim=1)

    def _smooth(self, x: torch.Tensor) -> torch.Tensor:
        """Mean over ``map_scale`` voxels along each axis, twice."""
        stride = max(self.window // 2, 1)
        nodes = self.map_scale // 2
        return triangular_smooth(x, [nodes // stride, nodes // stride, nodes])

    def _local_statistics(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Log-energy of each window ``(B, 1, *)``, scale-invariant features ``(B, 3, *)``, and 1 where it is empty."""
        along_first = x[:, :, 1:, 1:] - x[:, :, :-1, 1:]
        along_second = x[:, :, 1:, 1:] - x[:, :, 1:, :-1]
        diagonal = along_first - (x[:, :, 1:, :-1] - x[:, :, :-1, :-1])
        energy = self._window_mean(diagonal.square()) / 4
        gradient = self._window_mean(along_first.square() + along_second.square()) / 4
        level = self._window_mean(x[:, :, 1:, 1:].abs())
        zeros = self._window_mean((x[:, :, 1:, 1:] == 0).float())

        empty = (zeros > 0.5).float()
        log_energy = 0.5 * torch.log(energy + 1e-10)
        occupied = (1 - empty).flatten(1)
        typical = (log_energy.flatten(1) * occupied).sum(1) / occupied.sum(1).clamp(min=1)
        for _ in range(x.dim() - 1):
            typical = typical.unsqueeze(-1)
        features = torch.cat(
            [
                log_energy - typical,
                torch.log(level + 1e-5) - log_energy,
                0.5 * torch.log(gradient + 1e-10) - log_energy,
            ],
            dim=1,
        )
        return log_energy, features, empty

    def _window_mean(self, x: torch.Tensor) -> torch.Tensor:
        """Mean over channels and over half-overlapping windows; windows shrink on images smaller than one."""
        x = x.mean(dim=1, keepdim=True)
        side0 = min(self.window, x.shape[2])
        side1 = min(self.window, x.shape[3])
        stride0, stride1 = max(side0 // 2, 1), max(side1 // 2, 1)
        if self.spatial_dims == 2:
            return nn.functional.avg_pool2d(x, [side0, side1], [stride0, stride1])
        return nn.functional.avg_pool3d(x, [side0, side1, 1], [stride0, stride1, 1])
