"""`mri-denoise denoise`: scans in, denoised scans out."""

from contextlib import nullcontext
from enum import Enum
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import typer

from monai_unsup_denoise.cli.options import (
    Bundle,
    Dask,
    Device,
    Jobs,
    NonpositiveOption,
    Overwrite,
    Shard,
    Threads,
    Weights,
    check_dask,
    for_workers,
    shard_of,
    with_switches,
)
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr
from monai_unsup_denoise.lean_imports import lean_imports
from monai_unsup_denoise.process import print_line


class OutputType(str, Enum):
    float32 = "float32"
    same = "same"


class OutputMap(str, Enum):
    sigma = "sigma"
    residual = "residual"
    uncertainty = "uncertainty"
    uncertainty_95 = "uncertainty_95"


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


@with_switches
def denoise(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN",
            help="A scan (NIfTI, MGH, Analyze, NRRD, MetaImage, MINC), the folder of a DICOM series, or a folder of "
            "these, sub-folders included.",
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
    volume: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Denoise only this volume of a 4-D NIfTI file, as if it were alone; counted from 0, as in FSL.",
        ),
    ] = None,
    model: Weights = None,
    bundle: Bundle = None,
    dtype: Annotated[
        OutputType, typer.Option(help="Data type of the output; same: that of the input, integers rounded and clipped.")
    ] = OutputType.float32,
    maps: Annotated[
        list[OutputMap] | None,
        typer.Option(
            "--maps",
            help="Also write a map: noise level per voxel (sigma), input minus output (residual), or how large the "
            "error may be: less in 68 % (uncertainty) or 95 % (uncertainty_95) of the voxels. Can be repeated.",
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Also write a page about each scan (OUT_report.html): before and after, what was removed and whether "
            "it is noise, image quality; and for a folder an index of the pages.",
        ),
    ] = False,
    nonpositive: NonpositiveOption = None,
    device: Device = None,
    jobs: Jobs = 1,
    threads: Threads = None,
    shard: Shard = None,
    dask: Dask = None,
    overwrite: Overwrite = False,
    **switches: bool | None,
) -> None:
    """Denoise scans, and report the estimated noise level.

    Format, geometry and units are kept (MINC, pairs of .img and .hdr and single DICOM files become .nii.gz). The
    estimated noise level goes into a .json file next to each output. The volumes of a 4-D file share one estimate.

    A failure does not stop the other scans of a folder. Failures are listed at the end, and the exit code is 1.
    """
    from monai_unsup_denoise.io.outputs import plan_jobs

    check_dask(dask, jobs)
    if dask:
        source, model, bundle, target = for_workers(source, model, bundle, Path(output))
        output = f"{target}{'/' if output.endswith('/') else ''}"
    scans, is_collection = plan_jobs(source, output, series)
    if volume is not None and (is_collection or scans[0].series):
        raise InputError(f"--volume {volume}: chooses from one file with several volumes; give that file as IN")
    if shard and not is_collection:
        raise InputError(f"--shard {shard}: chooses from a folder of scans; leave it out for one scan")
    if dask and not is_collection:
        raise InputError(f"--dask {dask}: is for a folder of scans; leave it out for one scan")
    names = [name.value for name in maps or ()]
    with suppress_stderr(), lean_imports():
        from monai_unsup_denoise.inference import Denoiser
        from monai_unsup_denoise.inference.each_scan import denoise_each, use_threads
        from monai_unsup_denoise.inference.reports import index_of_reports
        from monai_unsup_denoise.inference.scans import check_job, complete, denoise_in_steps, is_written, share_outputs

        scans = shard_of(share_outputs(scans), shard)
        if not is_collection:
            check_job(scans[0], names, report=report, overwrite=overwrite)
        settings = {**switches, "maps": names or None, "nonpositive": nonpositive and nonpositive.value}
        denoiser = Denoiser.from_bundle(bundle, model=model, device=device, settings=settings, progress=True)
    denoise_one = partial(
        denoise_in_steps, denoiser, dtype=dtype.value, overwrite=overwrite, volume=volume, report=report
    )
    if is_collection:
        with index_of_reports(Path(output).expanduser(), "**/*_report.html") if report else nullcontext():
            denoise_each(
                scans,
                denoise_one,
                name=attrgetter("scan"),
                jobs=jobs,
                threads=threads,
                dask=dask,
                on_gpu=denoiser.device.type == "cuda",
                is_done=is_written,
            )
    else:
        use_threads(threads)
        print_line(complete(denoise_one(scans[0])))
