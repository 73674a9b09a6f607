"""Denoising of MR magnitude images, learned from unpaired noisy and clean images, as a MONAI Bundle."""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

__version__ = "0.11.0"

# PyTorch takes large pages for large tensors where the system offers them: fewer page faults. It looks at this once,
# before the first tensor.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


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
