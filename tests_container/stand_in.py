"""Where no registry of images can be reached: a base image made from Debian's packages, and wheels to build from."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

from tests_container.podman import Podman

DEBIAN = "bookworm"
#: That of this Debian. The base image of the Dockerfile has the same.
PYTHON = (3, 11)
BASE = "localhost/base"


def make_base(podman: Podman) -> str:
    """The name of an image with a minimal Debian, Python, venv and pip; it is made if the storage has none."""
    if podman.has(BASE):
        return BASE
    root = podman.folder / "debian"
    packages = "--include=python3,python3-venv,python3-pip"
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", packages, DEBIAN, root], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, "\n".join(made.stdout.splitlines()[-10:])
    for downloads in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / downloads)
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as archive:
        podman("import", "-", BASE, stdin=archive.stdout)
    shutil.rmtree(root)
    return BASE


def make_wheels(repository: Path, folder: Path) -> Path:
    """Collect in `folder`, unless it is there, what the package in `repository` needs; in the tested versions."""
    if folder.exists():
        return folder
    unfinished = folder.with_name("unfinished_wheels")
    setup = configparser.ConfigParser()
    setup.read(repository / "setup.cfg", encoding="utf-8")
    needed = setup["options"]["install_requires"].split()
    constraints = repository / "constraints.txt"
    torch = next(line for line in constraints.read_text().splitlines() if line.startswith("torch=="))
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-input", "-c", constraints, "-d", unfinished]
    done = subprocess.run([*command, torch, *needed, "setuptools>=78.1.1", "wheel"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return unfinished.rename(folder)
