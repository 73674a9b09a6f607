"""The noise encoder ``E^n`` of scanner noise: level, correlation and coils, and how sure they are."""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, avg_pool3d, interpolate, pad

from monai_unsup_denoise.functional import triangular_smooth, unsqueeze_like

_FEATURES = 6


class NoiseReader(nn.Module):
    """Noise code ``z`` of 3-D images, ``E^n``: mean and log-variance of five entries, as of `NoiseLevel`.

    A small convolutional network looks at differences of neighbouring voxels, in units of the typical difference near
    by, and gives each cell of 4 x 4 x 4 voxels a code and a weight. The code of the image is the weighted mean, in two
    rounds: in the second, cells are weighted also by how far they are from the first mean. Voxels that equal all their
    neighbours have no noise (masks, padding); cells of such voxels have no weight.

    Everything is relative to the typical difference: a brighter image has the same code, but for the level, which rises
    by ``log c / spread``.

    Args:
        channels: features of half and of quarter resolution.
        sigma, spread: as of `NoiseLevel`; the untrained reader takes the typical difference for the noise of white
            Gaussian images.
    """

    level: Tensor

    def __init__(self, *, channels: tuple[int, int] = (48, 96), sigma: float = 0.1, spread: float = 0.7) -> None:
        super().__init__()
        half, quarter = channels
        self.spatial_dims = 3
        self.register_buffer("level", torch.tensor([float(torch.tensor(sigma).log()), spread]))
        self.body = nn.Sequential(
            nn.Conv3d(_FEATURES, half, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv3d(half, half, 3, padding=1),
            nn.ReLU(),
            nn.Conv3d(half, quarter, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv3d(quarter, quarter, 3, padding=1),
            nn.ReLU(),
            nn.Conv3d(quarter, quarter, 1),
            nn.ReLU(),
        )
        self.head = nn.Conv3d(quarter, 10, 1)  # code, and a weight for each entry
        self.second = nn.Sequential(nn.Conv3d(quarter + 2, 32, 1), nn.ReLU(), nn.Conv3d(32, 1, 1))
        self.sureness = nn.Sequential(nn.Linear(quarter + 3, 64), nn.ReLU(), nn.Linear(64, 5))
        for last in (self.head, self.second[-1], self.sureness[-1]):
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the code, each ``(B, 5)``, of ``image`` ``(B, 1, H, W, D)``."""
        mean, log_variance, _ = self.pool(self.cells(image))
        return mean, log_variance

    @torch.jit.export
    def cells(self, image: Tensor) -> Tensor:
        """What is known of each cell, ``(B, channels + 10, *grid)``; `pool` and `map_of` make codes of it.

        A part of an image has the cells of the whole where it starts at a multiple of 4 voxels, but for a border of 32
        voxels.
        """
        features, log_scale, empty = self._features(image.float())
        hidden = self.body(_at_least_8_slices(features))[..., : log_scale.size(4)]
        out = self.head(hidden).float()
        level = out[:, :1] + (log_scale - self.level[0]) / self.level[1]
        weights = out[:, 5:] - 1e4 * empty
        return torch.cat([hidden.float(), level, out[:, 1:5], weights], dim=1)

    @torch.jit.export
    def pool(self, cells: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and log-variance of the code, ``(B, 5)``, and the weight of each cell for the level, ``(B, cells)``."""
        hidden, codes, logits = cells[:, :-10], cells[:, -10:-5].flatten(2), cells[:, -5:].flatten(2)
        weight = torch.softmax(logits, dim=2)
        first = (weight[:, 0] * codes[:, 0]).sum(1)
        away = (unsqueeze_like(first.unsqueeze(1), hidden) - cells[:, -10:-9]).detach()
        away = away / (1 + away.abs())
        again = self.second(torch.cat([hidden, away, away.abs()], dim=1)).float().flatten(2)
        weight = torch.softmax(logits + again, dim=2)
        mean = (weight * codes).sum(2)
        level, distance = weight[:, 0], codes[:, 0] - mean[:, :1]
        spread = (level * distance.square()).sum(1).clamp(min=1e-8).sqrt()
        number = -level.square().sum(1).log()
        pooled = (level.unsqueeze(1) * hidden.flatten(2)).sum(2)
        known = torch.cat([pooled, torch.stack([spread, number / 5, spread.log() - number / 2], dim=1)], dim=1)
        return mean, 4 * torch.tanh(self.sureness(known).float() / 4) - 2, level

    @torch.jit.export
    def map_of(self, cells: Tensor) -> Tensor:
        """Coarse map of the mean code, ``(B, 5, *grid)``: the level varies smoothly, the other entries do not."""
        mean, _, weight = self.pool(cells)
        level = cells[:, -10:-9]
        weights = weight.view_as(level) * weight.size(1)  # 1 on average
        reach = [4, 4, 4]  # cells: about 32 voxels
        near, total = triangular_smooth(weights * level, reach), triangular_smooth(weights, reach)
        # The mean, where no cell has a weight.
        smooth = (near + 0.02 * unsqueeze_like(mean[:, :1], level)) / (total + 0.02)
        rest = unsqueeze_like(mean[:, 1:], level)
        return torch.cat([smooth, rest.expand(rest.shape[:2] + level.shape[2:])], dim=1)

    def _features(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features of voxels ``(B, 6, *spatial)``, log of the typical difference of cells, and 1 for empty cells."""
        next0, next1, next2 = _step(x, 2), _step(x, 3), _step(x, 4)
        diagonal = _step(next0, 3)
        least = 1e-5 * x.abs().mean([1, 2, 3, 4], keepdim=True) + 1e-12  # below it, splines ring in a masked background
        flat = ((next0.abs() <= least) & (next1.abs() <= least) & (next2.abs() <= least)).float()
        usable = ((diagonal.abs() > least) & (flat == 0)).float()
        logs = torch.maximum(diagonal.abs(), least).log() * usable
        # E[log |d|] = log(2 sigma) - 0.635 for d ~ N(0, 4 sigma^2)
        found = _smooth_cells(_pool(usable))
        log_scale = _smooth_cells(_pool(logs)) / (found + 1e-6) - 0.058
        empty = (_pool(flat) > 0.9).float()
        scale = _to_voxels((-log_scale).exp().clamp(max=1e12), x)
        relative = torch.cat([next0, next1, next2, diagonal], dim=1) * scale
        bright = _to_voxels(torch.log1p(_pool(x.abs()) * (-log_scale).exp().clamp(max=1e12)) / 3, x)
        return torch.cat([relative / (1 + relative.abs() / 3), bright, flat], dim=1), log_scale, empty


def _step(x: Tensor, axis: int) -> Tensor:
    """Difference to the next voxel; 0 for the last one."""
    n = x.size(axis)
    padding = [0, 0, 0, 0, 0, 0]
    padding[2 * (4 - axis) + 1] = 1
    shape = [1, 1, 1, 1, 1]
    shape[axis] = n
    inside = (torch.arange(n, device=x.device) < n - 1).view(shape)
    return (pad(x, padding).narrow(axis, 1, n) - x) * inside


def _at_least_8_slices(x: Tensor) -> Tensor:
    """Zeros after the last slice: in oneDNN, bfloat16 convolutions of stride 2 are wrong for one and two slices."""
    missing = max(8 - x.size(4), 0) if torch.jit.is_scripting() else torch.sym_max(8 - x.size(4), 0)
    return pad(x, [0, missing])


def _pool(x: Tensor) -> Tensor:
    """Mean over each cell, of which the last ones may be incomplete."""
    lines = avg_pool1d(_lines(x), 4, ceil_mode=True, count_include_pad=False)
    x = lines.view(x.size(0), x.size(1), x.size(2), x.size(3), -1)
    return avg_pool3d(x, [min(4, x.size(2)), min(4, x.size(3)), 1], ceil_mode=True, count_include_pad=False)


def _lines(x: Tensor) -> Tensor:
    """Along the last axis ``(lines, 1, D)``; 3-D pooling refuses axes shorter than its window."""
    return x.reshape(-1, 1, x.size(4))


def _smooth_cells(x: Tensor) -> Tensor:
    return triangular_smooth(x, [1, 1, 1])


def _to_voxels(cells: Tensor, x: Tensor) -> Tensor:
    fine = interpolate(cells, scale_factor=4.0, mode="nearest")
    return fine[:, :, : x.size(2), : x.size(3), : x.size(4)]
