"""From the voxels of a series to the same without noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext
from outcome import Outcome

from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.io.dicom import DicomSeries


@dataclass(frozen=True)
class DenoisedSeries:
    """A series, its denoised voxels ``(X, Y, Z)`` in scanner units, and the noise level in the same, if known."""

    series: DicomSeries
    voxels: np.ndarray
    sigma: float | None


class DenoiseOperator(Operator):
    """Denoises one volume, as the bundle's ``inference.json`` says.

    Not the framework's ``MonaiBundleInferenceOperator``, which makes uint8 of every image.

    Args:
        denoiser: of a bundle or of a TorchScript file.
        outcome: where a series that cannot be denoised is noted.
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
            op_output.emit(DenoisedSeries(volume.series, result.denoised, result.sigma), "denoised")
