"""A 3-D network over a volume of any size."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer, sliding_window_inference

from monai_unsup_denoise.functional import (
    independent_stride,
    noise_variation,
    nonlocal_bayes,
    residual_noise_map,
    resize,
    rician_mean,
)

_VARIES = 0.1  # the `noise_variation` from which one number will not do; even noise shows 0.08 at most
_LEAST = 0.01  # the noise level, in the volume's units, below which it is anatomy that varies


class VolumeNetwork(Protocol):
    """What the inferer asks of a network."""

    def encode_noise(self, image: torch.Tensor) -> torch.Tensor:
        """Noise code ``(B, code_channels)`` of volumes ``(B, 1, H, W, D)``."""

    def encode_noise_map(self, image: torch.Tensor) -> torch.Tensor:
        """Coarse map of it ``(B, code_channels, *grid)``."""

    def sigma(self, code: torch.Tensor) -> torch.Tensor:
        """Noise level ``(B, *grid)`` of codes ``(B, code_channels, *grid)``."""

    def amplify(self, code: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
        """Codes whose noise level is ``gain`` ``(B, *grid)`` times as high."""

    def __call__(self, image: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        """Denoised volumes ``(B, 1, H, W, D)``."""


class VolumeInferer(Inferer):
    """Denoise a volume with a 3-D network, in overlapping windows.

    The noise is read once from the whole volume, so that windows do not differ in it; where they overlap, they are
    blended by a Gaussian weight. What the network makes of the volume is then the pilot of a second look at the noisy
    one, `nonlocal_bayes`. The result is a magnitude: never negative.

    Where the noise of neighbouring voxels is correlated, it is read from every second voxel: in neighbours too little
    of it is seen, by a factor of two or three, and too little would be removed.

    Args:
        window: sides of the windows in voxels.
        overlap: of neighbouring windows, as a part of their sides.
        mirrored: average over the volume and its mirror images, 8 in all (x8 self-ensemble: Lim et al., CVPRW 2017).
            Eight times as slow.
        varying_noise: read a smooth map of the noise level instead of one number, and read it again off what a first
            denoising removes, which takes no anatomy for noise. Twice as slow. For noise that does vary, as with
            parallel imaging: one number is read more precisely, and at low signal some percent matter. None: where the
            map tells of noise that varies over the tissue, by a factor of about 1.5 or more.
        noise_stride: how far apart, in voxels along each axis, noise is independent; None: find out, 1 or 2.
        keep_floor: return ``E[m | A, sigma]``, what the mean of many noisy scans would be, in place of ``A``: air stays
            at the Rician floor ``sigma sqrt(pi / 2)``. For comparisons with scans that were averaged as magnitudes.
        fast: leave out the second look, as trainings do: what is measured then is the network.
        progress: show a progress bar over the windows of a volume, and over the slabs of the second look.
    """

    def __init__(
        self,
        window: Sequence[int] = (96, 96, 96),
        *,
        overlap: float = 0.25,
        mirrored: bool = False,
        varying_noise: bool | None = None,
        noise_stride: Sequence[int] | None = None,
        keep_floor: bool = False,
        fast: bool = False,
        progress: bool = False,
    ) -> None:
        super().__init__()
        self.window = tuple(window)
        self.overlap = overlap
        self.mirrored = mirrored
        self.varying_noise = varying_noise
        self.noise_stride = noise_stride
        self.keep_floor = keep_floor
        self.fast = fast
        self.progress = progress

    def stride_of(self, inputs: torch.Tensor, network: VolumeNetwork) -> tuple[int, int, int]:
        """How far apart the noise of a volume ``(1, 1, H, W, D)`` is independent, in voxels along each axis."""
        if self.noise_stride is not None:
            height, width, depth = self.noise_stride
            return height, width, depth
        plain = inputs.as_subclass(torch.Tensor)
        return independent_stride(plain, lambda volume: network.sigma(network.encode_noise(volume)))

    def noise_code(self, inputs: torch.Tensor, network: VolumeNetwork) -> torch.Tensor:
        """Noise code of a volume ``(1, 1, H, W, D)``: a coarse map ``(1, code_channels, *grid)`` if noise may vary,
        else ``(1, code_channels)``."""
        height, width, depth = self.stride_of(inputs, network)
        plain = inputs.as_subclass(torch.Tensor)[..., ::height, ::width, ::depth].contiguous()
        if self.varying_noise is False:
            return network.encode_noise(plain)
        code = network.encode_noise_map(plain)
        if self.varying_noise is None:
            of_volume = network.encode_noise(plain)
            level = network.sigma(of_volume)
            if level.item() < _LEAST or noise_variation(network.sigma(code), level, plain).item() < _VARIES:
                return of_volume
        of_voxels = resize(code, plain)
        denoised = self._slide(torch.cat([plain, of_voxels], dim=1), network)
        found = residual_noise_map(plain, denoised, network.sigma(of_voxels).unsqueeze(1), code.shape[2:])
        return network.amplify(code, found[:, 0] / network.sigma(code))

    def __call__(self, inputs: torch.Tensor, network: VolumeNetwork, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Denoise ``inputs`` ``(B, 1, H, W, D)``; keeps the metadata of a MetaTensor.

        A keyword ``code``, as :meth:`noise_code` gives it, replaces the volume's own.

        Raises:
            ValueError: if the volumes have another number of channels than one.
        """
        if inputs.dim() != 5 or inputs.shape[1] != 1:
            raise ValueError(f"volumes (B, 1, H, W, D) expected, got shape {tuple(inputs.shape)}")
        plain = inputs.as_subclass(torch.Tensor)
        out = torch.cat([self._denoise(volume, network, kwargs.get("code")) for volume in plain.split(1)])
        return MetaTensor(out, meta=inputs.meta) if isinstance(inputs, MetaTensor) else out

    def _denoise(self, volume: torch.Tensor, network: VolumeNetwork, code: torch.Tensor | None) -> torch.Tensor:
        code = self.noise_code(volume, network) if code is None else code
        of_voxels = resize(code, volume).expand(-1, -1, *volume.shape[2:])
        both = torch.cat([volume, of_voxels], dim=1)
        flips = _mirrorings() if self.mirrored else [()]
        denoised = torch.zeros_like(volume, dtype=torch.float32)
        for flip in flips:
            denoised += self._slide(both.flip(flip), network).flip(flip)
        denoised = (denoised / len(flips)).clamp(min=0)
        if not self.fast:
            denoised = self._look_again(volume, denoised, network.sigma(of_voxels))
        return rician_mean(denoised, network.sigma(of_voxels).unsqueeze(1)) if self.keep_floor else denoised

    def _look_again(self, volume: torch.Tensor, denoised: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        bar = self.progress and sys.stderr.isatty()
        return nonlocal_bayes(volume[0, 0], denoised[0, 0], sigma[0], progress=bar)[None, None]

    def _slide(self, volume_and_code: torch.Tensor, network: VolumeNetwork) -> torch.Tensor:
        window = [min(side, n) for side, n in zip(self.window, volume_and_code.shape[2:], strict=True)]
        result = sliding_window_inference(
            volume_and_code,
            roi_size=window,
            sw_batch_size=1,
            predictor=lambda part: network(part[:, :1], part[:, 1:]).float(),
            overlap=self.overlap,
            roi_weight_map=_gaussian_weight(window).to(volume_and_code.device),
            progress=self.progress and sys.stderr.isatty(),
        )
        return torch.as_tensor(result)


def _gaussian_weight(window: Sequence[int]) -> torch.Tensor:
    """Product of Gaussians of an eighth of each side, as MONAI's, but not cut off at 0.001 of its maximum: that makes
    the edges of 3-D windows, where they were padded, count as much as what lies near them."""
    weight = torch.ones(())
    for side in window:
        place = (torch.arange(side) - (side - 1) / 2) / (side / 8)
        weight = weight.unsqueeze(-1) * torch.exp(-place.square() / 2)
    return weight


def _mirrorings() -> list[tuple[int, ...]]:
    """Every set of spatial axes to flip, none among them."""
    return [axes for count in range(4) for axes in itertools.combinations((2, 3, 4), count)]
