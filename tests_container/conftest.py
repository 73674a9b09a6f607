"""The image, built once by the Dockerfile, and what runs a command in it as a careful user would."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests_container.podman import Podman
from tests_container.stand_in import DEBIAN, PYTHON, make_base, make_wheels

REPOSITORY = Path(__file__).resolve().parents[1]
SOURCE = "https://example.org/monai-unsup-denoise"
#: No user of the base image has this number.
SOMEBODY = "4321:4321"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """The engine with a storage of its own, some gigabytes: a temporary one, or the folder STORAGE, which is kept."""
    if not shutil.which("podman"):
        pytest.skip("needs podman: apt-get install podman crun")
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount without user namespaces")
    kept = os.environ.get("STORAGE")
    folder = Path(kept).resolve() if kept else tmp_path_factory.mktemp("podman")
    folder.mkdir(exist_ok=True)
    engine = Podman(folder)
    engine("info")
    yield engine
    if not kept:
        engine("image", "rm", "--all", "--force")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def base(podman: Podman) -> str:
    """The image that ours starts from: the one that BASE names, else a Debian made here, which no registry is for."""
    if named := os.environ.get("BASE"):
        return named
    if not shutil.which("debootstrap"):
        pytest.skip("needs debootstrap for a stand-in of the base image, or BASE=an image that can be pulled")
    if sys.version_info[:2] != PYTHON:
        pytest.skip(f"needs the Python of {DEBIAN}, for which it collects wheels, or BASE=an image that can be pulled")
    return make_base(podman)


@pytest.fixture(scope="session")
def image(podman: Podman, base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the Dockerfile, with the wheels that pip finds here."""
    wheels = make_wheels(REPOSITORY, podman.folder / "wheels")
    secret = tmp_path_factory.mktemp("secret") / "pip.conf"
    secret.write_text("[global]\nno_index = true\nfind_links = /wheels\n")
    arguments = [f"--build-arg={pair}" for pair in (f"BASE={base}", "TORCH_INDEX=", f"SOURCE={SOURCE}")]
    places = [f"--volume={wheels}:/wheels:ro", f"--secret=id=pip,src={secret}"]
    tag = "localhost/mri-denoise"
    # chroot: the engine's own isolation needs cgroups and limits that a sandbox may not give.
    podman("build", "--isolation=chroot", *arguments, *places, "--tag", tag, REPOSITORY)
    return tag


@pytest.fixture
def run(podman: Podman, image: str, tmp_path: Path) -> Run:
    """Run the image: no network, nothing writable but /out, an unknown user. /data and /out are in `tmp_path`."""
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    out.mkdir()
    out.chmod(0o777)
    same = [f"--env={name}" for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]

    def call(*arguments: object, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        guards = ["--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", f"--user={SOMEBODY}"]
        folders = [f"--volume={data}:/data:ro", f"--volume={out}:/out"]
        return podman.run(*guards, *folders, "--env=OMP_NUM_THREADS=1", *same, *options, image, *arguments)

    return call
