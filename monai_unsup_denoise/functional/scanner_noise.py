"""The noise of scanners: ``m = | A + g(r) sigma (h * n) |``, and what coils and image processing make of it.

``h`` is the window of k-space along each axis (``kspace_window``), of unit mean square, so that sigma stays the
standard deviation of each channel. ``g`` is a smooth map, of unit mean square too. ``ScannerNoise`` describes one kind
of noise; it holds no random state, and its record is JSON. One more effect is one file, one attribute and one line.

Aja-Fernandez S, Vegas-Sanchez-Ferrero G (2016). Statistical Analysis of Noise in MRI. Springer.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from monai_unsup_denoise.functional.constant_background import ConstantBackground
from monai_unsup_denoise.functional.kspace_window import KSpaceWindow, filter_axes, filtered_noise
from monai_unsup_denoise.functional.noise_gain import NoiseGain
from monai_unsup_denoise.functional.quiet_air import QuietAir
from monai_unsup_denoise.functional.resampling import Resampling


@dataclass(frozen=True)
class ScannerNoise:
    """One kind of noise; the default is white Rician noise.

    Attributes:
        windows: of k-space, one for each axis, or none for white noise.
        coils: number of coils; their images are combined by the root of the sum of squares, sigma is that of each.
        gain: smooth map of the noise, as of parallel imaging or of a correction of the receive field.
        resampling: of the magnitudes, after the reconstruction.
        rounding: unit of the integers that are stored, in the units of the image; 0 for no rounding.
        background: parts that hold a constant.
        quiet_air: less noise in air; sigma is that of tissue.
        filters_signal: filter the signal as well. A scanner does, but then the clean image is not what a denoiser
            should give back: it would be trained, and scored, to sharpen. So by default the windows filter the noise
            only, and the clean image stays the reference.

    Raises:
        ValueError: for less than one coil, and negative rounding.
    """

    windows: tuple[KSpaceWindow, ...] = ()
    coils: int = 1
    gain: NoiseGain | None = None
    resampling: Resampling | None = None
    rounding: float = 0.0
    background: ConstantBackground | None = None
    quiet_air: QuietAir | None = None
    filters_signal: bool = False

    def __post_init__(self) -> None:
        if self.coils < 1 or self.rounding < 0:
            raise ValueError(f"coils must be at least 1 and rounding not negative, got {self}")

    def windows_of(self, shape: Sequence[int]) -> tuple[KSpaceWindow, ...]:
        """One window for each axis of an image; a ValueError if there are others."""
        if len(self.windows) not in (0, len(shape)):
            raise ValueError(f"{len(self.windows)} windows for the axes of {tuple(shape)}; give one for each, or none")
        return self.windows or (KSpaceWindow(),) * len(shape)

    def scale(self, image: Tensor, sigma: float | Tensor) -> Tensor:
        """``g(r) sigma`` for an image, without axes if it is the same everywhere."""
        scale = torch.as_tensor(sigma, dtype=torch.promote_types(image.dtype, torch.float32), device=image.device)
        return scale if self.gain is None else scale * self.gain.map(image.shape).to(scale)

    def record(self) -> dict[str, Any]:
        """This description in numbers, strings, tuples and dictionaries, which JSON can store."""
        return dataclasses.asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "ScannerNoise":
        """The description that gave this record, also after a way through JSON."""
        values = {name: _tuples(value) for name, value in record.items()}
        parts = {"gain": NoiseGain, "resampling": Resampling, "background": ConstantBackground, "quiet_air": QuietAir}
        made = {name: part(**values[name]) for name, part in parts.items() if values.get(name) is not None}
        return cls(**values | made | {"windows": tuple(KSpaceWindow(**window) for window in values["windows"])})


def add_scanner_noise(
    image: Tensor, sigma: float | Tensor, *, scanner: ScannerNoise, generator: torch.Generator | None = None
) -> Tensor:
    """Noisy copy of an image; for the default ``scanner`` that of ``add_rician_noise``, to the bit.

    Noise is periodic over the image. In images of N coils all signal is in the first: the distribution of each voxel,
    noncentral chi, is the same for every distribution of the signal over coils with equal noise. Magnitudes are
    resampled with the bias that they have, but the clean image is not: its interpolation errors are not noise.
    Differentiable in ``image`` and ``sigma`` as far as no resampling and no rounding follow.

    Args:
        image: ``A >= 0``, ``(*spatial)``, 2-D or 3-D.
        sigma: of each channel on the scanner's grid, in the units of the image; a number, or a map.
        scanner: kind of noise.
        generator: source of the noise. A CPU generator gives the same noise on every device.

    Raises:
        ValueError: unless there is one window for each axis, or none.
    """
    image = image.to(torch.promote_types(image.dtype, torch.float32))
    scale, resampling = scanner.scale(image, sigma), scanner.resampling
    if scanner.quiet_air is not None:
        scale = scale * scanner.quiet_air.map(image)
    amplitude = _filter_signal(image, scanner) if scanner.filters_signal else image
    if resampling is None:
        noisy = _magnitude(amplitude, scale, scanner, generator)
    else:
        there = resampling.to_scanner(amplitude)
        scale = resampling.to_scanner(scale.expand(image.shape)) if scale.dim() else scale
        error = _magnitude(there, scale, scanner, generator) - there
        noisy = (amplitude + resampling.to_image(error, image.shape)).clamp(min=0)
    if scanner.rounding:
        noisy = (noisy / scanner.rounding).round() * scanner.rounding
    return noisy if scanner.background is None else scanner.background.apply(noisy, image)


def _magnitude(amplitude: Tensor, scale: Tensor, scanner: ScannerNoise, generator: torch.Generator | None) -> Tensor:
    """Root of the sum of squares over coils, the first with the signal."""
    shape = amplitude.shape
    windows = scanner.windows_of(shape)

    def noise() -> Tensor:
        return filtered_noise(shape, windows, like=amplitude, generator=generator)

    first = noise()
    magnitude = torch.complex(amplitude + scale * first.real, scale * first.imag).abs()
    if scanner.coils == 1:
        return magnitude
    others = reduce(torch.add, (torch.view_as_real(noise()).square().sum(-1) for _ in range(scanner.coils - 1)))
    return (magnitude.square() + scale.square() * others).sqrt()


def _filter_signal(image: Tensor, scanner: ScannerNoise) -> Tensor:
    """``| h * A |`` with the mean intensity unchanged."""
    windows = scanner.windows_of(image.shape)
    mean = math.prod(float(window.weights(n)[0]) for window, n in zip(windows, image.shape, strict=True))
    return filter_axes(image, windows).abs() / mean


def _tuples(value: Any) -> Any:
    """Tuples for the lists of JSON."""
    if isinstance(value, Mapping):
        return {name: _tuples(item) for name, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value
