"""Packages that come with an extra of the installation, such as ``monai-unsup-denoise[train]``."""

from __future__ import annotations

from importlib.util import find_spec

from monai_unsup_denoise.errors import InputError

#: What the extras of setup.cfg install, by the names to import.
EXTRAS = {
    "train": ("filelock", "ignite", "matplotlib", "mlflow", "nilearn", "platformdirs", "pytorch_optimizer"),
    "benchmark": ("matplotlib", "nilearn", "pandas", "platformdirs", "skimage"),
    "scale": ("cryptography", "dask", "distributed"),
    "federated": ("nvflare",),
    "onnx": ("onnx", "onnxscript"),
    "dicom-node": ("prometheus_client", "pynetdicom"),
}


class MissingExtraError(InputError, ImportError):
    """Packages that are needed here are not installed."""


def require(*modules: str, extra: str) -> None:
    """Check, without importing them, that optional packages are installed.

    Args:
        modules: names to import, such as ``mlflow``; by default all packages of the extra.
        extra: the extra that installs them, a key of ``extras_require`` in setup.cfg.

    Raises:
        MissingExtraError: in one line, with the missing packages and the command that installs them.
    """
    missing = [module for module in modules or EXTRAS[extra] if find_spec(module) is None]
    if missing:
        raise MissingExtraError(f"{', '.join(missing)}: not installed; pip install 'monai-unsup-denoise[{extra}]'")
