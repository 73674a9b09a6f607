"""Which Python has which packages installed: this one, or the peers' own environment."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monai_unsup_denoise.errors import InputError

#: Where `make peers` puts the environment of methods whose pins conflict with ours.
DEFAULT_PEERS = Path(".peers", "bin", "python")

_LIST = (
    "import importlib.metadata as m, json; "
    "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}))"
)


@dataclass(frozen=True)
class Environment:
    """A Python and the versions of what is installed in it, by normalised name."""

    python: Path
    versions: dict[str, str]

    def lacks(self, distributions: Sequence[str]) -> list[str]:
        """Which of these are not installed."""
        return [name for name in distributions if _normalised(name) not in self.versions]

    def describe(self, distributions: Sequence[str]) -> str:
        """``"bm4d 4.2.5; numpy 2.3.1"``."""
        return "; ".join(f"{name} {self.versions[_normalised(name)]}" for name in distributions)


def find_environments(peers: Path | None = None) -> list[Environment]:
    """This interpreter, and that of the peers' environment where there is one.

    Args:
        peers: the environment's interpreter; None for `DEFAULT_PEERS` in the current folder, if it exists.

    Raises:
        InputError: if the interpreter that was named cannot be run.
    """
    found = [_inspected(Path(sys.executable))]
    if peers is None and not DEFAULT_PEERS.exists():
        return found
    return [*found, _inspected((peers or DEFAULT_PEERS).absolute())]


def _inspected(python: Path) -> Environment:
    try:
        # -I: neither the current folder nor PYTHONPATH says what is installed there.
        listed = subprocess.run([python, "-I", "-c", _LIST], capture_output=True, text=True, check=True).stdout
        versions = json.loads(listed)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        raise InputError(f"{python}: is no working Python; make peers anew, or give another --peers-python") from error
    return Environment(python, {_normalised(name): version for name, version in versions.items()})


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
