"""Provenance tags of an MLflow run, without user names or paths."""

import subprocess
from functools import partial
from pathlib import Path

import monai_unsup_denoise


def provenance_tags() -> dict[str, str]:
    """Package version and, in a working tree, the commit.

    The tags that MLflow fills with the name of the user and the path of the program get neutral values.
    """
    tags = {
        "mlflow.user": "not recorded",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": "monai-unsup-denoise",
        "package_version": monai_unsup_denoise.__version__,
    }
    commit = _commit()
    return tags | {"mlflow.source.git.commit": commit} if commit else tags


def _commit() -> str | None:
    """The commit of the working tree with this package; None if it is installed, or without git."""
    file = Path(monai_unsup_denoise.__file__)
    git = partial(subprocess.run, cwd=file.parent, capture_output=True, text=True, timeout=10, check=True)
    try:
        git(["git", "ls-files", "--error-unmatch", file.name])
        return git(["git", "rev-parse", "HEAD"]).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
