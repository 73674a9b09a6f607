"""The examples for clusters and workflow engines denoise as the command does, where the engine runs on one machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Outcome
from tests_scale.cohorts.conftest import ROOT, contents, write_dataset, write_scans

EXAMPLES = ROOT / "examples"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`mri-denoise` on the path, and an engine that does not call home."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NO_ET", "1")
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.syspath_prepend(EXAMPLES / "cluster")


def test_jobs_of_an_array_are_the_whole_dataset(
    environment: None, tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    """As SLURM calls the script, for two of its eight jobs and three subjects."""
    dataset = write_dataset(tmp_path / "dataset", 2)
    words = [str(EXAMPLES / "cluster" / "slurm_array.sh"), str(dataset), str(tmp_path / "out")]
    for job in ("1", "2"):
        variables = {**os.environ, "SLURM_ARRAY_TASK_ID": job, "SLURM_CPUS_PER_TASK": "1"}
        done = subprocess.run([*words, "--model", str(identity)], env=variables, capture_output=True, text=True)
        assert done.returncode == 0 and len(re.findall("sigma", done.stdout)) == 1, done
    assert mri_denoise("bids", dataset, tmp_path / "one", "participant", "--model", identity, "--threads", 1).code == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "out")


def test_job_of_dask_jobqueue_is_one_worker(environment: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dask_slurm

    monkeypatch.chdir(tmp_path)
    with dask_slurm.make_cluster(scheduler_options={"host": "127.0.0.1", "dashboard_address": None}) as cluster:
        script = cluster.job_script()
        assert cluster.scheduler_address.startswith("tcp://127.0.0.1:")
    assert {"#SBATCH --cpus-per-task=2", "#SBATCH --mem=4G", "#SBATCH -t 04:00:00"} <= set(script.splitlines())
    assert "--nthreads 1" in script and "--lifetime 3h" in script


def test_dask_jobqueue_without_slurm_ends_in_one_line(environment: None, tmp_path: Path) -> None:
    if shutil.which("sbatch"):
        pytest.skip("this machine has SLURM")
    command = [sys.executable, str(EXAMPLES / "cluster" / "dask_slurm.py"), str(tmp_path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["sbatch: not found; run this where jobs of SLURM may be submitted"]


def test_rule_of_snakemake_denoises_each_scan(
    environment: None, tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    pytest.importorskip("snakemake", reason="needs Python 3.11")
    scans = write_scans(tmp_path / "in", 2)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(EXAMPLES / "cluster" / "Snakefile")]
    command += ["--cores", "1", "--quiet", "--config", f"scans={scans}", f"denoised={out}"]
    done = subprocess.run(
        [*command, f"options=--model {identity}"], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert mri_denoise("denoise", scans, tmp_path / "one", "--model", identity, "--threads", 1).code == 0
    assert contents(tmp_path / "one") == contents(out)


def test_interface_of_nipype_is_the_command(
    environment: None, tmp_path: Path, identity: Path, mri_denoise: Callable[..., Outcome]
) -> None:
    from nipype import Node
    from nipype_interface import Denoise

    scan = write_scans(tmp_path / "in", 1) / "scan000.nii.gz"
    node = Node(Denoise(in_file=scan, model=identity, num_threads=1, no_refine=True), "denoise", base_dir=tmp_path)
    found = node.run().outputs
    assert (
        mri_denoise("denoise", scan, tmp_path / "x.nii.gz", "--model", identity, "--threads", 1, "--no-refine").code
        == 0
    )
    assert Path(found.out_file).read_bytes() == (tmp_path / "x.nii.gz").read_bytes()
    assert Path(found.sidecar).read_bytes() == (tmp_path / "x.json").read_bytes()


def test_options_of_babs_are_those_of_the_command(mri_denoise: Callable[..., Outcome]) -> None:
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((EXAMPLES / "cluster" / "babs.yaml").read_text())
    told = mri_denoise("bids", "--help").out
    options = config["bids_app_args"]
    assert all(name in told for name in (*options, *options.values()) if str(name).startswith("--"))
    assert {"input_datasets", "cluster_resources", "zip_foldernames", "job_compute_space"} < config.keys()
    # BABS refuses several folders with this, and takes each name there for one.
    assert config["all_results_in_one_zip"] and [*config["zip_foldernames"]] == ["mri-denoise"]
