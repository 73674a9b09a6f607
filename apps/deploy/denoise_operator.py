"""Denoise one series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext
from outcome import Outcome

from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.scans import noise_summary
from monai_unsup_denoise.io.dicom import DicomSeries


@dataclass(frozen=True)
class DenoisedSeries:
    """A series, its denoised voxels ``(X, Y, Z)`` and noise level, in scanner units, and a clause about its noise."""

    series: DicomSeries
    voxels: np.ndarray
    sigma: float | None
    noise: str


class DenoiseOperator(Operator):
    """Denoises one volume with a `Denoiser`.

    The framework's ``MonaiBundleInferenceOperator`` would cast the image to uint8.

    Args:
        denoiser: of a bundle or of a TorchScript file.
        outcome: counts the series that cannot be denoised.
    """

    def __init__(self, fragment: Fragment, *, denoiser: Denoiser, outcome: Outcome, name: str) -> None:
        self.denoiser = denoiser
        self.outcome = outcome
        super().__init__(fragment, name=name)

    def setup(self, spec: OperatorSpec) -> None:
        spec.input("volume")
        spec.output("denoised")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        volume = op_input.receive("volume")
        with self.outcome.of(volume.series):
            result = self.denoiser.denoise_image(self.denoiser.wrap(volume.image))
            noise = noise_summary(result.noise_report())
            op_output.emit(DenoisedSeries(volume.series, result.denoised, result.sigma, noise), "denoised")
