"""Podman with a storage of its own, also in a sandbox with old cgroups and limits that cannot be raised."""

import subprocess
from pathlib import Path

#: The second version of cgroups beside the first: crun refuses this mixture, so it is hidden from podman.
MIXED = Path("/sys/fs/cgroup/unified")
LIMITS = ("--cgroups=disabled", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096")


class Podman:
    """Calls podman with its images, containers and scratch files under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        hide = ["unshare", "--mount", "sh", "-c", 'umount --lazy "$0" && exec "$@"', str(MIXED)]
        storage = [f"--root={folder / 'images'}", f"--runroot={folder / 'run'}", f"--tmpdir={folder / 'tmp'}"]
        self._command = [*(hide if MIXED.is_mount() else []), "podman", *storage, "--cgroup-manager=cgroupfs"]

    def __call__(self, *arguments: object, stdin: int | None = None) -> str:
        """What `podman ARGUMENTS` prints; the test fails with its last lines if it fails."""
        done = self._call(*arguments, stdin=stdin)
        assert done.returncode == 0, "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        return done.stdout

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """The outcome of `podman run ARGUMENTS`; the container is removed."""
        return self._call("run", "--rm", *LIMITS, *arguments)

    def has(self, image: str) -> bool:
        """Whether the storage has this image."""
        return self._call("image", "exists", image).returncode == 0

    def _call(self, *arguments: object, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, *map(str, arguments)], capture_output=True, text=True, stdin=stdin)
