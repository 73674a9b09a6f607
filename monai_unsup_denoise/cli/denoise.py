"""`mri-denoise denoise`: scans in, denoised scans out."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.cli.lean_imports import lean_imports
from monai_unsup_denoise.cli.messages import exit_with_failures
from monai_unsup_denoise.cli.options import (
    Bundle,
    CorrelatedNoise,
    Device,
    KeepFloor,
    Maps,
    Overwrite,
    Refine,
    SelfEnsemble,
    VaryingNoise,
    Weights,
    chosen_settings,
)
from monai_unsup_denoise.errors import InputError


class OutputType(str, Enum):
    """Data type of the output."""

    float32 = "float32"
    same = "same"


def _print_series(folder: Path | None) -> None:
    """Print the DICOM series in and below ``folder``, and end."""
    if folder is None:
        return
    from monai_unsup_denoise.io.dicom import find_series

    series = find_series(folder)
    if not series:
        raise InputError(f"{folder}: no DICOM image series in this folder; give another one")
    typer.echo("\n".join(map(str, series)))
    raise typer.Exit


def denoise(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A scan (NIfTI, NRRD, MetaImage, MINC), the folder of a DICOM series, or a folder of these, "
            "sub-folders included.",
        ),
    ],
    output: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="A file for one scan, or a folder; sub-folders are kept. A DICOM series becomes a derived series in "
            "the folder OUT, or a volume if OUT is a file name (out.nii.gz).",
        ),
    ],
    series: Annotated[
        str | None,
        typer.Option(metavar="NUMBER|UID", help="Which DICOM series, if IN holds several (see --list-series)."),
    ] = None,
    list_series: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            callback=_print_series,
            is_eager=True,
            help="List the DICOM series in and below FOLDER, and exit.",
        ),
    ] = None,
    model: Weights = None,
    bundle: Bundle = None,
    dtype: Annotated[
        OutputType, typer.Option(help="Data type of the output; same: that of the input, integers rounded and clipped.")
    ] = OutputType.float32,
    maps: Maps = None,
    varying_noise: VaryingNoise = None,
    correlated_noise: CorrelatedNoise = None,
    refine: Refine = None,
    self_ensemble: SelfEnsemble = None,
    keep_floor: KeepFloor = None,
    device: Device = None,
    overwrite: Overwrite = False,
) -> None:
    """Denoise scans, and report the estimated noise level.

    Format, geometry and units are kept (MINC and single DICOM files become .nii.gz). The estimated noise level goes
    into a .json file beside each output.

    A failure does not stop the other scans of a folder. Failures are listed at the end, and the exit code is 1.
    """
    settings = chosen_settings(
        maps,
        varying_noise=varying_noise,
        correlated_noise=correlated_noise,
        refine=refine,
        self_ensemble=self_ensemble,
        keep_floor=keep_floor,
    )
    from monai_unsup_denoise.io.outputs import plan_jobs

    jobs, is_collection = plan_jobs(source, output, series)
    with lean_imports():
        from monai_unsup_denoise.inference import Denoiser
        from monai_unsup_denoise.inference.scans import check_job, denoise_each, denoise_job, share_outputs
    jobs = share_outputs(jobs)
    if not is_collection:
        check_job(jobs[0], settings["maps"] or (), overwrite=overwrite)
    with lean_imports():
        denoiser = Denoiser.from_bundle(bundle, model=model, device=device, settings=settings, progress=True)
    if not is_collection:
        typer.echo(denoise_job(denoiser, jobs[0], dtype=dtype.value, overwrite=overwrite))
        return
    failures = denoise_each(
        jobs,
        lambda job: denoise_job(denoiser, job, dtype=dtype.value, overwrite=overwrite),
        name=lambda job: str(job.scan),
    )
    exit_with_failures(failures, scans=len(jobs))
