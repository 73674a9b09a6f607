"""A folder of scans, denoised: what ``inference.json`` runs."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cached_property, partial
from operator import attrgetter
from pathlib import Path

from torch.utils.data import Dataset

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.each_scan import denoise_each
from monai_unsup_denoise.inference.scans import denoise_in_steps, share_outputs
from monai_unsup_denoise.io.outputs import Job, map_path, plan_jobs
from monai_unsup_denoise.io.volume_writer import output_name
from monai_unsup_denoise.process import interruptible


class ScanDataset(Dataset[Job]):
    """The scans of a folder, each with the place of its output: ``<name>_denoised`` in a format of its own.

    The folder is looked at when the first item is asked for. Sub-folders are kept.

    Args:
        dataset_dir: folder of scans, a scan, or a MONAI datalist.
        output_dir: where the results go.

    Raises:
        InputError: when asked for an item, if there is none.
    """

    def __init__(self, dataset_dir: str | Path, output_dir: str | Path) -> None:
        self.dataset_dir = Path(dataset_dir)
        self.output_dir = output_dir

    @cached_property
    def jobs(self) -> list[Job]:
        """All of them."""
        folder = Path(os.path.expanduser(self.output_dir))
        jobs, _ = plan_jobs(self.dataset_dir, f"{self.output_dir}/")
        jobs = [replace(job, output=folder / output_name(job.scan)) if job.output == folder else job for job in jobs]
        return share_outputs([replace(job, output=map_path(job.output, "denoised")) for job in jobs])

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: int) -> Job:
        return self.jobs[index]


class FolderDenoiser:
    """Denoises every scan of a folder: what ``inference.json`` runs. A failure does not stop the others.

    Args:
        denoiser: with which weights and settings.
        dataset: the scans.
        overwrite: replace outputs that exist.
        jobs: scans to compute at a time.
        threads: of each; by default, the jobs share PyTorch's.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        dataset: ScanDataset,
        *,
        overwrite: bool = True,
        jobs: int = 1,
        threads: int | None = None,
    ) -> None:
        self.denoiser = denoiser
        self.dataset = dataset
        self.overwrite = overwrite
        self.jobs = jobs
        self.threads = threads

    def run(self) -> None:
        """Denoise them all.

        Raises:
            InputError: at the end, for those that could not be; at once, if there are none, or for a number of jobs or
                threads that is none.
        """
        for name, number in {"jobs": self.jobs, "threads": self.threads}.items():
            if number is not None and (not isinstance(number, int) or number < 1):
                raise InputError(f"{name}: {number!r}: not a number of {name}; give 1 or more")
        denoise = partial(denoise_in_steps, self.denoiser, overwrite=self.overwrite)
        with interruptible():
            denoise_each(self.dataset.jobs, denoise, name=attrgetter("scan"), jobs=self.jobs, threads=self.threads)
