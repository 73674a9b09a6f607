"""The folder of cached training data, and what in it is damaged."""

import os
from pathlib import Path

from monai_unsup_denoise.extras import require
from monai_unsup_denoise.io.file_checks import check_file
from monai_unsup_denoise.process import print_line


def default_cache_dir() -> Path:
    """``$MRI_DENOISE_CACHE``, else ``monai_unsup_denoise`` in the user's cache folder of the operating system."""
    if chosen := os.environ.get("MRI_DENOISE_CACHE"):
        return Path(chosen)
    require("platformdirs", extra="train")
    from platformdirs import user_cache_path

    return user_cache_path("monai_unsup_denoise", appauthor=False)


def is_cached(path: Path) -> bool:
    """Whether the cache has the volume ``path``. Damage (an empty file, one cut off) is said: make it again."""
    if not path.is_file():
        return False
    try:
        check_file(path)
    except Exception as error:  # as many kinds as nibabel has
        say_damaged(path, error)
        return False
    return True


def say_damaged(path: Path, error: Exception) -> None:
    """Print a line about a damaged file of the cache."""
    print_line(f"{path}: damaged ({type(error).__name__}); it is made again")
