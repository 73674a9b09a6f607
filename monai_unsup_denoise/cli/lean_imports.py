"""Import MONAI without optional packages that denoising does not use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from monai_unsup_denoise.io.suppress_stderr import suppress_stderr

#: MONAI imports each of them where it is installed: more than half of the time from command to first voxel.
_UNUSED = frozenset({"ignite", "matplotlib", "mlflow", "pandas", "PIL", "skimage", "sklearn", "torchvision"})


@contextmanager
def lean_imports() -> Iterator[None]:
    """Import in silence, as where only the core dependencies are installed."""
    hidden = _UNUSED - sys.modules.keys()
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: not to be imported
    try:
        with suppress_stderr():
            yield
    finally:
        for name in hidden:
            del sys.modules[name]
