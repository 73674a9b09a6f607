"""The folder of cached training data."""

import os
from pathlib import Path

from monai_unsup_denoise.extras import require


def default_cache_dir() -> Path:
    """``$MRI_DENOISE_CACHE``, else ``monai_unsup_denoise`` in the user's cache folder of the operating system."""
    if chosen := os.environ.get("MRI_DENOISE_CACHE"):
        return Path(chosen)
    require("platformdirs", extra="train")
    from platformdirs import user_cache_path

    return user_cache_path("monai_unsup_denoise", appauthor=False)
