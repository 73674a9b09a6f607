"""The denoiser of the bundle: it reads the noise of scanners, level, correlation and coils, and is told all of it."""

import torch
from torch import Tensor, nn

from monai_unsup_denoise.networks.content_encoder import ContentEncoder
from monai_unsup_denoise.networks.level_guided_denoiser import LevelGuidedDenoiser
from monai_unsup_denoise.networks.noise_level import NoiseLevel


class PhysicsGuidedDenoiser(LevelGuidedDenoiser):
    """``LevelGuidedDenoiser`` with a code of five entries, as of `NoiseLevel`, read by a `NoiseReader`.

    A network that knows all noise of scanners is a little worse on white noise than one that knows no other. So there
    may be such a denoiser, ``white``, which is used for the codes of white noise of one coil, and reads their level.

    Args:
        noise_encoder: a `NoiseReader`.
        white: a denoiser of white noise with a code of one entry.
    """

    def __init__(
        self,
        content_encoder: ContentEncoder,
        noise_encoder: nn.Module,
        generator: nn.Module,
        noise_level: NoiseLevel,
        *,
        working_sigma: float | None = None,
        white: LevelGuidedDenoiser | None = None,
    ) -> None:
        super().__init__(content_encoder, noise_encoder, generator, noise_level, working_sigma=working_sigma)
        self.white = white
        # Of white noise. Attributes, since TorchScript knows no constants of a module.
        self.most_correlation, self.most_coils, self.most_difference = 0.03, 1.5, 0.1

    @torch.jit.export
    def with_code(self, image: Tensor, code: Tensor, mean_code: Tensor) -> Tensor:
        """As `forward`, with all arguments given. Noise is white if it is in all images of the batch."""
        if self.white is not None:  # noqa: SIM102 - TorchScript drops the part for white noise where there is none
            if bool((mean_code[:, 1:] == 0).all()):
                return self.without_white_noise(image, code, mean_code)
        return self.without_noise(image, code, mean_code)

    def without_noise(self, image: Tensor, code: Tensor, mean_code: Tensor) -> Tensor:
        """As `with_code`, whatever the noise."""
        return self.limit_change(image, self.convolve(image, code, mean_code), code)

    def without_white_noise(self, image: Tensor, code: Tensor, mean_code: Tensor) -> Tensor:
        """As `with_code`, by the denoiser of white noise."""
        assert self.white is not None
        level = self.white.level_code(self.sigma(code))
        return self.white.with_code(image, level, self.white.level_code(self.sigma(mean_code)))

    @torch.jit.export
    def encode_noise(self, image: Tensor) -> Tensor:
        """Mean of the noise code, ``(B, code_channels)``, of ``image`` ``(B, C, *spatial)``."""
        mean, _ = self.noise_encoder(image)
        return self.read_white(image, mean)

    @torch.jit.export
    def is_white(self, code: Tensor) -> Tensor:
        """Whether there is a denoiser of white noise, and codes ``(B, 5)`` are of white noise of one coil, ``(B,)``."""
        white = (self.correlation(code).abs().amax(1) < self.most_correlation) & (self.coils(code) < self.most_coils)
        return white if self.white is not None else torch.zeros_like(white)

    @torch.jit.export
    def read_white(self, image: Tensor, code: Tensor) -> Tensor:
        """The codes ``(B, 5)`` of images; where noise is white, as the denoiser of white noise reads it.

        Noise counts as white if its correlation is below 0.03, the images of fewer than 1.5 coils were combined, and
        both readings of its level agree within 10 %. It then has no correlation, and one coil.
        """
        if self.white is None:
            return code
        level = self.white.sigma(self.white.encode_noise(image))
        white = self.is_white(code) & ((level / self.sigma(code)).log().abs() < self.most_difference)
        rest = torch.zeros_like(code[:, 1:4])
        return torch.where(white.unsqueeze(1), self.code_of(level, rest, torch.ones_like(level)), code)

    @torch.jit.export
    def noise_cells(self, image: Tensor) -> Tensor:
        """What is known of the noise in each cell; see ``NoiseReader.cells``."""
        return self.noise_encoder.cells(image)  # type: ignore[operator]

    @torch.jit.export
    def noise_code(self, cells: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the noise code of an image with these cells; see ``NoiseReader.pool``."""
        mean, log_variance, _ = self.noise_encoder.pool(cells)  # type: ignore[operator]
        return mean, log_variance

    @torch.jit.export
    def noise_map(self, cells: Tensor) -> Tensor:
        """Coarse map of the noise code; see ``NoiseReader.map_of``."""
        return self.noise_encoder.map_of(cells)  # type: ignore[operator]

    @torch.jit.export
    def scale_sigma(self, code: Tensor, factor: Tensor) -> Tensor:
        """Codes with ``factor`` times the noise level; see ``NoiseLevel.scale_sigma``."""
        return self.noise_level.scale_sigma(code, factor)

    @torch.jit.export
    def correlation(self, code: Tensor) -> Tensor:
        """Correlation of the noise of neighbours along each axis, ``(B, 3)``, of codes ``(B, code_channels)``."""
        return self.noise_level.correlation(code)

    @torch.jit.export
    def coils(self, code: Tensor) -> Tensor:
        """Number of coils ``(B,)`` of codes ``(B, code_channels)``."""
        return self.noise_level.coils(code)

    @torch.jit.export
    def code_of(self, sigma: Tensor, correlation: Tensor, coils: Tensor) -> Tensor:
        """Codes ``(B, 5, *spatial)`` of known noise; see ``NoiseLevel.code_of``."""
        return self.noise_level.code_of(sigma, correlation, coils)
