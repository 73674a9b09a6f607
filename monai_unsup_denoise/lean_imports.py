"""Import MONAI without packages that denoising does not use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

#: MONAI imports each of them where it is installed: more than half of the time from command to first voxel.
_UNUSED = frozenset(
    {"ignite", "matplotlib", "mlflow", "pandas", "PIL", "scipy.signal", "skimage", "sklearn", "torchvision"}
)


@contextmanager
def lean_imports() -> Iterator[None]:
    """Import as where only the core dependencies are installed."""
    hidden = _UNUSED - sys.modules.keys()
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: not to be imported
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
