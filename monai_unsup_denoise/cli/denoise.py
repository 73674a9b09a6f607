"""`mri-denoise denoise`: scans in, denoised scans out."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

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
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr


class OutputType(str, Enum):
    """Type of the voxels that are written."""

    float32 = "float32"
    same = "same"


def denoise(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A scan (NIfTI, NRRD, MetaImage, MINC), the folder of one DICOM series, or a folder with any of "
            "these at any depth.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="A file for one scan, or a folder; sub-folders are kept. A DICOM series becomes a derived one in the "
            "folder OUT, or a volume where OUT is named like one (out.nii.gz).",
            show_default=False,
        ),
    ],
    series: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|UID",
            help="Which DICOM series, where the folder IN holds several, at any depth.",
            show_default=False,
        ),
    ] = None,
    model: Weights = None,
    bundle: Bundle = None,
    dtype: Annotated[
        OutputType, typer.Option(help="Voxels written; same: as in the input, integers rounded and clipped.")
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

    Format, geometry and units of a scan are kept (MINC and single DICOM files become .nii.gz). A .json beside each
    output holds the estimated noise level.

    A scan of a folder that cannot be denoised does not stop the others. Failures are listed at the end, and the exit
    code is 1.
    """
    settings = chosen_settings(
        maps,
        varying_noise=varying_noise,
        correlated_noise=correlated_noise,
        refine=refine,
        self_ensemble=self_ensemble,
        keep_floor=keep_floor,
    )
    with suppress_stderr():
        from monai_unsup_denoise.io.outputs import plan_jobs

        jobs, is_collection = plan_jobs(source, output, series)
        from monai_unsup_denoise.inference import Denoiser
        from monai_unsup_denoise.inference.scans import check_job, denoise_each, denoise_job, share_outputs
    jobs = share_outputs(jobs)
    if not is_collection:
        check_job(jobs[0], settings["maps"] or (), overwrite=overwrite)
    with suppress_stderr():
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
