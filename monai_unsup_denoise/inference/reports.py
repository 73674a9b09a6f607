"""The report on a denoised scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monai_unsup_denoise import __version__
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.io.outputs import Job, report_path
from monai_unsup_denoise.protocols import NoiseAwareNetwork


def settings_for_report(denoiser: Denoiser) -> DenoiseSettings:
    """The settings of a denoiser, with the map that the tests of a report need, where its network can make one."""
    more = ("sigma",) if isinstance(denoiser.network, NoiseAwareNetwork) else ()
    return replace(denoiser.settings, maps=(*denoiser.settings.maps, *more))


def write_scan_report(path: Path, volume: DenoisedVolume, *, name: str, settings: DenoiseSettings) -> None:
    """Write the report on one volume as a page at ``path``.

    Args:
        name: of the scan, without folders.

    Raises:
        InputError: if the disk refuses.
    """
    from monai_unsup_denoise.scan_report import ReportContent, write_report  # which imports Pillow and Jinja

    options = [option.replace("_", " ") for option, used in settings.switches().items() if used and option != "refine"]
    options += [] if settings.refine else ["no refinement stage"]
    write_report(
        path,
        ReportContent(
            name=name,
            noisy=volume.noisy,
            denoised=volume.denoised,
            affine=volume.affine,
            noise=volume.noise_report(),
            maps=volume.maps,
            software=f"monai-unsup-denoise {__version__}" + (f" ({', '.join(options)})" if options else ""),
        ),
    )


def write_folder_index(folder: Path, jobs: Sequence[Job]) -> None:
    """Write ``index.html`` of the reports on the scans of a folder, as far as there are any.

    Raises:
        InputError: if the disk refuses, or there is another page of that name.
    """
    from monai_unsup_denoise.scan_report import write_index

    if reports := [path for job in jobs if (path := report_path(job.output)).is_file()]:
        write_index(folder / "index.html", reports)
