"""The noise encoder ``E^n``."""

import math

import torch
from monai.networks.layers import Conv
from torch import Tensor, nn

from monai_unsup_denoise.functional import unsqueeze_like

_WINDOW = 8  # side of the windows, in voxels


class NoiseEncoder(nn.Module):
    """Noise code ``z`` of an image, ``E^n``: mean and log-variance.

    The encoder analyses small windows. Its statistic is the energy of the diagonal second difference, as in most
    noise-level estimators (Immerkaer, CVIU 1996; Donoho's HH band). Relative to it, the local mean separates Rayleigh
    background from Gaussian tissue, and the gradient energy separates structure from noise. A small network weights and
    corrects each window; the code is the weighted mean. Channels of the image are averaged, since they have the same
    noise. Windows of exact zeros (masked background) are ignored.

    Everything but the log-energy is invariant to the scale of the image, so ``z(c x) = z(x) + w log c``.

    Untrained, it is the classical estimator ``log(s / sigma) / spread``, with ``log s`` the mean log-energy.

    Args:
        spatial_dims: 2 or 3. Differences are taken along the first two axes.
        code_channels: length of the noise code.
        channels: features of the small network.
        sigma, spread: as for ``NoiseLevel``, the inverse of the untrained encoder.
    """

    def __init__(
        self, spatial_dims: int, *, code_channels: int = 1, channels: int = 32, sigma: float = 0.1, spread: float = 0.7
    ) -> None:
        super().__init__()
        pointwise = Conv["conv", spatial_dims]
        self.spatial_dims = spatial_dims
        self.window = _WINDOW
        layers: list[nn.Module] = []
        for features in (3, channels, channels):
            layers += [pointwise(features, channels, kernel_size=1), nn.ReLU()]
        self.network = nn.Sequential(*layers)
        # For each window: its weight, a correction of its log-energy, and further features.
        self.head = pointwise(channels, channels + 2, kernel_size=1)
        # Element-wise, not nn.Linear: autocast would round the logarithm of sigma to 8 bits.
        self.mean_weight = nn.Parameter(0.01 * torch.randn(code_channels, channels + 1))
        self.log_variance_weight = nn.Parameter(torch.zeros(code_channels, channels + 1))
        self.mean_bias = nn.Parameter(torch.full((code_channels,), -math.log(sigma) / spread))
        self.log_variance_bias = nn.Parameter(torch.full((code_channels,), -4.0))
        with torch.no_grad():
            self.head.weight[:2] = 0
            self.head.bias[:2] = 0
            self.mean_weight[:, 0] = 1 / spread

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the code, each ``(B, code_channels)``, of ``image`` ``(B, C, *spatial)``."""
        weight, local = self._weigh_windows(image)
        pooled = (weight.flatten(2) * local.flatten(2)).sum(-1).unsqueeze(1)
        mean = (pooled * self.mean_weight).sum(-1) + self.mean_bias
        log_variance = (pooled * self.log_variance_weight).sum(-1) + self.log_variance_bias
        return mean, log_variance

    def _weigh_windows(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Weights of the windows ``(B, 1, *)`` with sum 1, and their features ``(B, channels + 1, *)``."""
        log_energy, features, empty = self._local_statistics(image.float())
        out = self.head(self.network(features)).float()
        weight = torch.softmax((out[:, :1] - 1e4 * empty).flatten(1), dim=1).view_as(empty)
        return weight, torch.cat([log_energy + out[:, 1:2], out[:, 2:]], dim=1)

    def _local_statistics(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For each window: log-energy ``(B, 1, *)``, scale-invariant features ``(B, 3, *)``, and 1 if it is empty."""
        along_first = x[:, :, 1:, 1:] - x[:, :, :-1, 1:]
        along_second = x[:, :, 1:, 1:] - x[:, :, 1:, :-1]
        diagonal = along_first - (x[:, :, 1:, :-1] - x[:, :, :-1, :-1])
        energy = self._window_mean(diagonal.square()) / 4
        gradient = self._window_mean(along_first.square() + along_second.square()) / 4
        level = self._window_mean(x[:, :, 1:, 1:].abs())
        empty = (self._window_mean((x[:, :, 1:, 1:] == 0).float()) > 0.5).float()

        log_energy = 0.5 * torch.log(energy + 1e-10)
        occupied = (1 - empty).flatten(1)
        typical = (log_energy.flatten(1) * occupied).sum(1) / occupied.sum(1).clamp(min=1)
        relative = log_energy - unsqueeze_like(typical, x)
        brightness = torch.log(level + 1e-5) - log_energy
        structure = 0.5 * torch.log(gradient + 1e-10) - log_energy
        return log_energy, torch.cat([relative, brightness, structure], dim=1), empty

    def _window_mean(self, x: Tensor) -> Tensor:
        """Mean over channels and half-overlapping windows; images smaller than a window get smaller windows."""
        x = x.mean(dim=1, keepdim=True)
        side0 = min(self.window, x.shape[2])
        side1 = min(self.window, x.shape[3])
        stride0, stride1 = max(side0 // 2, 1), max(side1 // 2, 1)
        if self.spatial_dims == 2:
            return nn.functional.avg_pool2d(x, [side0, side1], [stride0, stride1])
        return nn.functional.avg_pool3d(x, [side0, side1, 1], [stride0, stride1, 1])
