"""What the inferers of volumes share: one estimate of the noise, one volume at a time."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from monai.data import MetaTensor
from monai.inferers import Inferer
from torch import Tensor

from monai_unsup_denoise.inference.noise import NoiseEstimate
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.protocols import DenoisingNetwork

Self = TypeVar("Self", bound="WholeVolumeInferer")


class WholeVolumeInferer(Inferer):
    """Applies a network to volumes, with one noise estimate for the whole of each. Results are never negative.

    ``progress`` shows a progress bar for each volume. ``autocast`` is the dtype of the convolutions, such as
    ``torch.bfloat16``; None for float32.
    """

    def __init__(self, *, progress: bool = False, autocast: torch.dtype | None = None) -> None:
        super().__init__()
        self.progress = progress
        self.autocast = autocast

    @property
    def precision(self) -> str:
        """Name of the dtype of the convolutions."""
        return str(self.autocast or torch.float32).removeprefix("torch.")

    def __call__(
        self,
        inputs: Tensor,
        network: DenoisingNetwork,
        *args: Any,
        noise: NoiseEstimate | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Denoise ``inputs`` ``(B, 1, H, W, D)``; keeps the metadata of a MetaTensor.

        ``noise``, as :meth:`estimate_noise` gives it, is estimated here if it is None.

        Raises:
            ValueError: if the volumes do not have one channel, or fewer slices than the network sees at a time.
        """
        if inputs.dim() != 5 or inputs.shape[1] != 1:
            raise ValueError(f"volumes (B, 1, H, W, D) expected, got shape {tuple(inputs.shape)}")
        volumes = inputs.as_subclass(Tensor).split(1)
        out = torch.cat([self.denoise(v, network, noise or self.estimate_noise(v, network)) for v in volumes])
        return MetaTensor(out, meta=inputs.meta) if isinstance(inputs, MetaTensor) else out

    @abstractmethod
    def with_settings(self: Self, settings: DenoiseSettings) -> Self:
        """The same inferer with other settings; an InputError for one that it does not have."""

    def bytes_needed(self, shape: Sequence[int]) -> int:
        """Memory to denoise a volume of this shape on the CPU; 0 if unknown."""
        return 0

    @abstractmethod
    def estimate_noise(self, inputs: Tensor, network: DenoisingNetwork) -> NoiseEstimate:
        """The noise of a volume ``(1, 1, H, W, D)``.

        Raises:
            InputError: for a setting that needs the noise level, where the network does not estimate it.
        """

    @abstractmethod
    def denoise(self, volume: Tensor, network: DenoisingNetwork, noise: NoiseEstimate) -> Tensor:
        """The denoised volume ``(1, 1, H, W, D)``."""
