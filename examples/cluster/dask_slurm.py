"""A BIDS dataset on Dask workers that are jobs of a SLURM cluster.

    python dask_slurm.py BIDS_DIR OUTPUT_DIR

Run it where jobs may be submitted. Workers that are lost, or whose time is over, are replaced.
"""

import shutil
import subprocess
import sys

from dask_jobqueue import SLURMCluster

THREADS = 2  # of each worker


def make_cluster(**options: object) -> SLURMCluster:
    """A scheduler in this process, and no workers yet; each job is one worker that denoises one scan at a time."""
    settings = {
        "cores": 1,
        "processes": 1,
        "job_cpu": THREADS,
        "memory": "4GB",
        "walltime": "04:00:00",
        # Workers end by themselves between two scans, at different times, before SLURM ends them.
        "worker_extra_args": ["--lifetime", "3h", "--lifetime-stagger", "20m"],
    }
    return SLURMCluster(**(settings | options))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python dask_slurm.py BIDS_DIR OUTPUT_DIR [options of mri-denoise bids]")
    if shutil.which("sbatch") is None:
        sys.exit("sbatch: not found; run this where jobs of SLURM may be submitted")
    source, target, *more = sys.argv[1:]
    with make_cluster() as cluster:
        cluster.adapt(minimum_jobs=1, maximum_jobs=50)
        command = ["mri-denoise", "bids", source, target, "participant", "--threads", str(THREADS), *more]
        sys.exit(subprocess.run([*command, "--dask", cluster.scheduler_address]).returncode)
