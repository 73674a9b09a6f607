"""Where the bundle is."""

from importlib.resources import files
from pathlib import Path


def bundle_folder() -> Path:
    """Folder of the bundle that comes with the package; of an exported one, that which the package stands in."""
    try:
        return Path(str(files("monai_unsup_denoise.bundles") / "brain_mri_denoise"))
    except ModuleNotFoundError:
        return Path(__file__).resolve().parents[1]
