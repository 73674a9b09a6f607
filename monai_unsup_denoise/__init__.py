"""Denoising of MR magnitude images, learned from unpaired noisy and clean images, as a MONAI Bundle.

``from monai_unsup_denoise import denoise; clean = denoise(image)``
"""

import logging
import os
import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monai_unsup_denoise.errors import InputError
    from monai_unsup_denoise.inference import DenoiseMRI, DenoiseMRId, Denoiser, ScanNoise, denoise

__all__ = ["DenoiseMRI", "DenoiseMRId", "Denoiser", "InputError", "ScanNoise", "denoise"]

__version__ = "0.12.0"

# PyTorch takes large pages for large tensors where the system offers them: fewer page faults. It looks at this once,
# before the first tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# MONAI looks for a decoder of NVIDIA that nothing here uses, and warns where it is not installed.
logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader")


def __getattr__(name: str) -> object:
    """A name of ``__all__``, imported when it is first asked for (PEP 562): PyTorch and MONAI take seconds."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "errors" if name == "InputError" else "inference"
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


class _SourceTree:
    """Finds ``transforms/`` and ``bundles/`` of the source tree, which an installation has inside this package.

    The repository's root on ``__path__`` would do as well, but it would make ``tests``, ``docs`` and ``apps``
    sub-packages, too.
    """

    root = Path(__file__).resolve().parents[1]
    names = (f"{__name__}.transforms", f"{__name__}.bundles")

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return PathFinder.find_spec(name, [str(cls.root)]) if name in cls.names else None


if not Path(__file__).with_name("transforms").is_dir() and (_SourceTree.root / "transforms" / "reference.py").is_file():
    sys.meta_path.append(_SourceTree)
