"""Seconds from a command to its help, to the first pass through the network, and to the denoised scan.

python -m experiments.startup_times
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np

SHAPE = (64, 64, 32)
_HELP = "from monai_unsup_denoise.cli import main; main(['--help'])"
_DENOISE = """
import pathlib, time, torch
def note(module, inputs):
    pathlib.Path("first_pass").write_text(f"{time.time()} {time.process_time()}")
    handle.remove()
handle = torch.nn.modules.module.register_module_forward_pre_hook(note)
from monai_unsup_denoise.cli import main
main(["denoise", "scan.nii", "out.nii", "--overwrite"])
"""


def seconds(code: str, folder: str) -> tuple[float, float]:
    """When a new interpreter starts ``code`` in ``folder``, and how long it runs."""
    start = time.time()
    subprocess.run([sys.executable, "-c", code], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    return start, time.time() - start


def main() -> None:
    """Print the figures of the second run, when files are in the system's cache."""
    noisy = np.abs(np.random.default_rng(0).normal(500, 30, SHAPE)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        nibabel.save(nibabel.Nifti1Image(noisy, np.eye(4)), Path(folder, "scan.nii"))
        for _ in range(2):
            _, help_seconds = seconds(_HELP, folder)
            start, denoise_seconds = seconds(_DENOISE, folder)
        first_pass, busy = map(float, Path(folder, "first_pass").read_text().split())
    print(f"mri-denoise --help     {help_seconds:5.2f} s")
    print(f"mri-denoise denoise    {first_pass - start:5.2f} s to the first pass of the network ({busy:.1f} s of CPU)")
    print(f"                       {denoise_seconds:5.2f} s to the end ({' x '.join(map(str, SHAPE))} voxels)")


if __name__ == "__main__":
    main()
