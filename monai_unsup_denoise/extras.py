"""Packages that come with an extra of the installation, such as ``monai-unsup-denoise[train]``."""

from __future__ import annotations

from importlib.util import find_spec

from monai_unsup_denoise.errors import InputError


def require(*modules: str, extra: str) -> None:
    """Check, without importing them, that optional packages are installed.

    Args:
        modules: names to import, such as ``mlflow``; of a top-level package.
        extra: the extra that installs them, a key of ``extras_require`` in setup.cfg.

    Raises:
        InputError: in one line, with the missing packages and the command that installs them.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise InputError(f"{', '.join(missing)}: not installed; pip install 'monai-unsup-denoise[{extra}]'")
