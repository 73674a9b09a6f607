"""What is written of a scan: the denoised image and its maps."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np

from monai_unsup_denoise import __version__
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume, report_of_series
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.reports import settings_for_report, write_scan_report
from monai_unsup_denoise.inference.volumes import denoise_volumes
from monai_unsup_denoise.io.dicom import write_derived_series
from monai_unsup_denoise.io.outputs import Job, map_path, report_path
from monai_unsup_denoise.io.suppress_stderr import suppress_stderr
from monai_unsup_denoise.io.volume_writer import VoxelType, open_output, write_volume
from monai_unsup_denoise.io.volumes import Volumes


def write_outputs(job: Job, volume: DenoisedVolume, *, maps: Sequence[str], dtype: VoxelType, overwrite: bool) -> None:
    """Write the denoised scan, as a derived series or in the manner of the scan, and these of its maps.

    Raises:
        InputError: if they cannot be written.
    """
    slices = () if job.series is None else job.series.files  # of a folder that may hold other series
    write = partial(write_volume, source=job.scan, affine=volume.affine, overwrite=overwrite, slices=slices)
    if job.writes_dicom and job.series is not None:
        software = f"monai-unsup-denoise {__version__}"
        write_derived_series(
            job.series, volume.denoised, job.output, sigma=volume.sigma, software=software, overwrite=overwrite
        )
    else:
        write(job.output, volume.denoised, dtype=dtype)
    for name in maps:
        write(map_path(job.output, name), volume.maps[name])


def write_volumes(
    denoiser: Denoiser,
    volumes: Volumes,
    job: Job,
    *,
    dtype: VoxelType,
    overwrite: bool,
    reported_as: str | None = None,
) -> dict[str, Any]:
    """Denoise and write the volumes of a 4-D scan one after the other; maps are 4-D too, but for that of sigma.

    Args:
        reported_as: name of the scan, for a report on its first volume that is not zero.

    Returns:
        The number of volumes, and the noise report of the brightest, whose maximum is that of the scan.

    Raises:
        InputError: as `denoise_volumes`, or if the outputs cannot be written. Then nothing is left.
    """
    wanted = denoiser.settings.maps
    if reported_as is not None:
        denoiser = copy.copy(denoiser)
        denoiser.settings = settings_for_report(denoiser)
    open_one = partial(open_output, source=job.scan, overwrite=overwrite)
    reports: list[dict[str, Any]] = []
    sigma: np.ndarray | None = None
    with ExitStack() as outputs:
        with suppress_stderr():
            paths = {name: map_path(job.output, name) for name in wanted if name != "sigma"}
            maps = {name: outputs.enter_context(open_one(path)) for name, path in paths.items()}
            write = outputs.enter_context(open_one(job.output, dtype=dtype))
        for number, volume in enumerate(denoise_volumes(denoiser, volumes, progress=True)):
            write(volume.denoised)
            if reported_as is not None and volume.noisy.any():
                name, reported_as = f"{reported_as}, volume {number}", None
                write_scan_report(report_path(job.output), volume, name=name, settings=denoiser.settings)
            for name, write_map in maps.items():
                write_map(volume.maps[name])
            sigma = volume.maps.get("sigma", sigma)
            reports.append(volume.noise_report())
        if sigma is not None and "sigma" in wanted:
            path = map_path(job.output, "sigma")
            write_volume(path, sigma, source=job.scan, affine=volumes.affine, overwrite=overwrite)
    return report_of_series(reports)
