"""The report on a denoised scan."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from monai_unsup_denoise import __version__
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoised_volume import DenoisedVolume
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.protocols import NoiseAwareNetwork


def settings_for_report(denoiser: Denoiser) -> DenoiseSettings:
    """The settings of a denoiser, with the maps of a report that its networks make without denoising again."""
    more = ["sigma"] if isinstance(denoiser.network, NoiseAwareNetwork) else []
    more += ["uncertainty"] if denoiser.error_head is not None else []
    return replace(denoiser.settings, maps=(*denoiser.settings.maps, *more))


def write_scan_report(
    path: Path, volume: DenoisedVolume, *, name: str, settings: DenoiseSettings, note: str | None = None
) -> None:
    """Write the report on one volume as a page at ``path``.

    Args:
        name: of the scan, without folders.
        settings: that it was denoised with.
        note: what a reader should know about the scan.

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
            notes=(f"{note[0].upper()}{note[1:]}.",) if note else (),
        ),
    )


def remove_old_report(path: Path) -> None:
    """Remove a report of ours on an image that has been replaced without a new one."""
    if not os.path.isfile(path):  # False for a name that the disk does not take
        return
    from monai_unsup_denoise.scan_report import read_summary

    if read_summary(path) is not None:
        path.unlink()


@contextmanager
def index_of_reports(folder: Path, pattern: str) -> Iterator[None]:
    """After the block, also after a failure in it, write ``index.html`` of the reports below ``folder``, if any.

    Raises:
        InputError: before the block, if there is another page of that name.
    """
    from monai_unsup_denoise.scan_report import check_index, write_index

    index = folder / "index.html"
    check_index(index)
    try:
        yield
    finally:
        if reports := sorted(folder.glob(pattern)):
            try:
                write_index(index, reports)
            except InputError as error:  # the block's own failures count for more
                print(f"warning: {error}", file=sys.stderr)
