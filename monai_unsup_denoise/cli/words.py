"""What `denoise` and `bids` say alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from monai_unsup_denoise.engines.volume_denoiser import DenoisedVolume


def noise_found(volume: DenoisedVolume) -> str:
    """The noise level of a scan, in its units and in percent."""
    if volume.sigma is None:
        return "noise level unknown to this model"
    percent = "" if volume.sigma_percent is None else f" ({volume.sigma_percent:.1f} % of the maximum)"
    varies = ", varying over the scan" if volume.noise_varies else ""
    correlated = ", alike in neighbouring voxels" if volume.noise_correlated else ""
    return f"sigma {volume.sigma:.4g}{percent}{varies}{correlated}"


def end_with(failures: Sequence[str], *, scans: int) -> None:
    """List what could not be denoised, and end with exit code 1; without failures, do nothing."""
    if not failures:
        return
    typer.echo(f"error: {len(failures)} of {scans} scans could not be denoised:", err=True)
    for failure in failures:
        typer.echo(f"  {failure}", err=True)
    raise typer.Exit(1)
