"""Import MONAI without optional packages that denoising does not use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec

from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

#: MONAI imports each of them where it is installed: more than half of the time from command to first voxel.
_UNUSED = frozenset({"ignite", "matplotlib", "mlflow", "pandas", "PIL", "skimage", "sklearn", "torchvision"})


class _Absent:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in _UNUSED:
            raise ModuleNotFoundError(f"{name}: not used in denoising", name=name)
        return None


@contextmanager
def lean_imports() -> Iterator[None]:
    """Import in silence, as where only the core dependencies are installed."""
    sys.meta_path.insert(0, _Absent)
    try:
        with suppress_stderr():
            yield
    finally:
        sys.meta_path.remove(_Absent)
