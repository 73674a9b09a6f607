"""The noise of a volume, estimated once and passed on."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from monai_unsup_denoise.functional import (
    decorrelation_stride,
    least_sigma,
    log_sigma_rms,
    median_tissue_sigma,
    residual_noise_map,
    upsample_to,
)
from monai_unsup_denoise.protocols import NoiseAwareNetwork

Stride = tuple[int, int, int]
Denoise = Callable[[Tensor, Tensor], Tensor]

_VARIES = 0.1  # `log_sigma_rms` from which one number is not enough; stationary noise shows 0.08 at most
_LEAST_SIGMA = 0.01  # in the volume's units; below it, what varies is anatomy
_FEW = 10_000  # voxels; in fewer, the estimate is limited by what the quietest part allows
_TOO_FEW = 64**2  # voxels; in fewer, anatomy weighs too much
_LIMIT = 2.0  # of an estimate, in multiples of `least_sigma`; it is 1.3 to 1.8 for even and for varying noise
_DOUBT = 2.5  # the same, above which an estimate is not sure


@dataclass(frozen=True)
class NoiseEstimate:
    """What is known of the noise of one volume.

    Attributes:
        code: noise code ``(1, code_channels)``, or a coarse map of it ``(1, code_channels, *grid)`` where the noise
            level varies; of length zero for a network without one.
        sigma: one noise level in units of the volume, the median over tissue where it varies; None where the network
            does not estimate it.
        stride: distance in voxels along each axis at which the noise is uncorrelated.
        is_sure: False for too few voxels with noise, or a level that the quietest part of the volume contradicts.
    """

    code: Tensor
    sigma: float | None = None
    stride: Stride = (1, 1, 1)
    is_sure: bool = True

    @property
    def varies(self) -> bool:
        """Whether the noise level varies over the volume."""
        return self.code.dim() > 2

    @property
    def is_correlated(self) -> bool:
        """Whether the noise of neighbouring voxels is correlated along some axis."""
        return max(self.stride) > 1


def estimate_noise(
    image: Tensor,
    network: NoiseAwareNetwork,
    *,
    varying: bool | None,
    correlated: bool | None,
    denoise: Denoise,
) -> NoiseEstimate:
    """Estimate the noise of a volume ``(1, 1, H, W, D)``, in multiples of its reference intensity.

    Correlated noise makes an estimator that looks at differences of neighbours underestimate sigma by a factor of two
    to three; along the axes concerned it is therefore estimated on every second voxel. A map of varying noise is
    estimated from the residual of a first denoising pass, which takes no anatomy for noise.

    Args:
        varying, correlated: as in `DenoiseSettings`.
        denoise: the first pass: the denoised volume, given a volume and the code of each voxel.
    """
    if correlated is None:
        stride = decorrelation_stride(image, lambda volume: network.sigma(network.encode_noise(volume)))
    else:
        stride = (2, 2, 2) if correlated else (1, 1, 1)
    height, width, depth = stride
    thinned = image[..., ::height, ::width, ::depth].contiguous()
    code = network.encode_noise(thinned) if varying is False else _code_or_map(thinned, network, varying, denoise)
    levels = network.sigma(code)
    sigma = float(levels if code.dim() == 2 else median_tissue_sigma(levels, image))
    voxels, least = int(image.count_nonzero()), least_sigma(image)
    is_sure = voxels >= _TOO_FEW and sigma <= _DOUBT * least < math.inf
    if voxels < _FEW and sigma > _LIMIT * least and not varying:
        code = network.encode_noise(thinned)
        code = network.scale_sigma(code, _LIMIT * least / network.sigma(code))
        sigma, is_sure = _LIMIT * least, False
    return NoiseEstimate(code, sigma, stride, is_sure)


def sigma_map(image: Tensor, noise: NoiseEstimate, network: NoiseAwareNetwork) -> Tensor:
    """Noise level of each voxel of ``image`` ``(1, 1, H, W, D)``, of the same shape and units."""
    return network.sigma(upsample_to(noise.code, image)).unsqueeze(1).expand_as(image)


def _code_or_map(image: Tensor, network: NoiseAwareNetwork, varying: bool | None, denoise: Denoise) -> Tensor:
    code_map = network.encode_noise_map(image)
    if varying is None:
        code = network.encode_noise(image)
        level = network.sigma(code)
        if level.item() < _LEAST_SIGMA or log_sigma_rms(network.sigma(code_map), level, image).item() < _VARIES:
            return code
    of_voxels = upsample_to(code_map, image)
    sigma = network.sigma(of_voxels).unsqueeze(1)
    measured = residual_noise_map(image, denoise(image, of_voxels), sigma, code_map.shape[2:])
    return network.scale_sigma(code_map, measured[:, 0] / network.sigma(code_map))
