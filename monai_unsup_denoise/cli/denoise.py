"""`mri-denoise denoise`: scans in, denoised scans out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monai_unsup_denoise import __version__
from monai_unsup_denoise.cli.options import (
    Bundle,
    Device,
    Fast,
    KeepFloor,
    Overwrite,
    SelfEnsemble,
    VaryingNoise,
    Weights,
    WhiteNoise,
)
from monai_unsup_denoise.cli.outputs import Job, map_path, plan_jobs, sidecar_path
from monai_unsup_denoise.cli.quiet import quiet
from monai_unsup_denoise.cli.words import end_with, noise_found
from monai_unsup_denoise.errors import InputError

if TYPE_CHECKING:
    from monai_unsup_denoise.engines.volume_denoiser import DenoisedVolume, VolumeDenoiser


class OutputMap(str, Enum):
    """Maps that can be written beside the denoised scan."""

    sigma = "sigma"
    residual = "residual"
    uncertainty = "uncertainty"


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
    maps: Annotated[
        list[OutputMap] | None,
        typer.Option(
            "--map",
            help="Write this too, beside the output: the noise level of each voxel, what was removed, or the standard "
            "deviation of the error to expect; can be repeated.",
        ),
    ] = None,
    varying_noise: VaryingNoise = None,
    white_noise: WhiteNoise = False,
    self_ensemble: SelfEnsemble = False,
    keep_floor: KeepFloor = False,
    fast: Fast = False,
    device: Device = None,
    overwrite: Overwrite = False,
) -> None:
    """Denoise scans, and say how much noise was in them.

    A scan goes out as it came in: format, geometry and units are kept (MINC and single DICOM files become
    .nii.gz). Beside each output lies a .json with the noise level found.

    In a folder, scans that cannot be denoised do not stop the others: they are listed at the end, and the exit
    code is 1.
    """
    with quiet():
        jobs, is_collection = plan_jobs(source, output, series)
        from tqdm import tqdm

        from monai_unsup_denoise.engines.volume_denoiser import VolumeDenoiser
    names = [name.value for name in maps or []]
    if not is_collection:
        _check(jobs[0], names, overwrite=overwrite)
    with quiet():
        settings = {
            "varying_noise": varying_noise,
            "noise_stride": [1, 1, 1] if white_noise else None,
            "self_ensemble": self_ensemble,
            "keep_floor": keep_floor,
            "fast": fast,
        }
        denoiser = VolumeDenoiser(bundle, model=model, device=device, settings=settings, progress=True)
    origin = _origin(denoiser)
    outputs = Counter(job.output for job in jobs)
    failures = []
    with tqdm(jobs, desc="denoising", unit="scan", disable=None) as bar:
        for job in bar:
            try:
                _check(job, names, overwrite=overwrite, shared=outputs[job.output] > 1)
                line = _denoise_one(denoiser, job, names, origin, dtype=dtype, overwrite=overwrite)
            except Exception as error:
                if not is_collection:
                    raise
                known = isinstance(error, InputError)
                failures.append(str(error) if known else f"{job.scan}: {type(error).__name__}: {error}")
            else:
                tqdm.write(line)
    end_with(failures, scans=len(jobs))


def _check(job: Job, maps: list[str], *, overwrite: bool, shared: bool = False) -> None:
    from monai_unsup_denoise.data import check_output
    from monai_unsup_denoise.dicom import check_folder

    scan, output = job.scan, job.output
    if scan.is_dir() and job.series is None:
        raise InputError(f"{scan}: no DICOM image in this folder, or none that can be read; copy it again")
    if shared:
        raise InputError(f"{scan}: another scan would be written to {output} too; denoise it by itself")
    paths = [map_path(output, name) for name in maps]
    if job.writes_dicom and job.series is not None:
        check_folder(output, source=job.series, overwrite=overwrite)
    else:
        paths.append(output)
    for path in paths:
        check_output(path, source=scan, overwrite=overwrite)
    if not overwrite and sidecar_path(output).exists():
        raise InputError(f"{sidecar_path(output)}: exists already; add --overwrite or give another output")


def _denoise_one(
    denoiser: VolumeDenoiser,
    job: Job,
    maps: list[str],
    origin: dict[str, Any],
    *,
    dtype: OutputType,
    overwrite: bool,
) -> str:
    """Denoise one scan, write it and its sidecar, and tell in a line what was found."""
    from monai_unsup_denoise.data import write_volume
    from monai_unsup_denoise.data.atomic import write_json
    from monai_unsup_denoise.dicom import read_series

    scan, output = job.scan, job.output
    start = time.perf_counter()
    with quiet():
        image = denoiser.load(scan) if job.series is None else denoiser.wrap(read_series(job.series))
    volume = denoiser.denoise_image(image, maps)
    with quiet():
        _write(job, volume, dtype=dtype, overwrite=overwrite)
        for name, voxels in volume.maps.items():
            path = map_path(output, name)
            write_volume(path, voxels, source=scan, affine=volume.affine, overwrite=overwrite, slices=_slices_of(job))
    # A series goes by its number: its folder may be named after a person.
    source_name = scan.resolve().name if job.series is None else f"DICOM series {job.series.number}"
    content = {"Sources": [source_name], "sigma": volume.sigma, "sigma_percent": volume.sigma_percent}
    content |= {"noise_varies": volume.noise_varies, "noise_correlated": volume.noise_correlated}
    write_json(sidecar_path(output), content | origin)
    return f"{scan}: {noise_found(volume)}, {time.perf_counter() - start:.1f} s -> {output}"


def _write(job: Job, volume: DenoisedVolume, *, dtype: OutputType, overwrite: bool) -> None:
    """As a derived series, or in the manner of the scan."""
    from monai_unsup_denoise.data import write_volume
    from monai_unsup_denoise.dicom import write_derived_series

    if job.writes_dicom and job.series is not None:
        software = f"monai-unsup-denoise {__version__}"
        write_derived_series(
            job.series, volume.denoised, job.output, sigma=volume.sigma, software=software, overwrite=overwrite
        )
        return
    write_volume(
        job.output,
        volume.denoised,
        source=job.scan,
        affine=volume.affine,
        dtype=dtype.value,
        overwrite=overwrite,
        slices=_slices_of(job),
    )


def _slices_of(job: Job) -> Sequence[Path]:
    """By which files of its folder, which may hold other series, the scan is read."""
    return () if job.series is None else job.series.files


def _origin(denoiser: VolumeDenoiser) -> dict[str, Any]:
    """By which weights and version an output was made."""
    from monai_unsup_denoise.engines.weights import weights_sha256

    path = denoiser.model_path
    digest = None if path is None else weights_sha256(path)
    return {"model_sha256": digest, "monai_unsup_denoise": __version__}
