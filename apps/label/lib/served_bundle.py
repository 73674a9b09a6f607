"""Which bundle is served: the user's own, or a copy of the one that comes with the package."""

from __future__ import annotations

import shutil
from pathlib import Path

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError


def served_bundle(chosen: str | Path | None, *, copy_to: Path) -> Path:
    """Folder of the bundle to serve, which trainings write their ``models/model.pt`` into.

    The package's own bundle is copied, so that no training changes what is installed or tracked. Its configs are copied
    at every start; its weights only where there are none, since they may have been trained on since.

    Args:
        chosen: the user's bundle, used where it lies; None for the package's.
        copy_to: folder of the copy.

    Raises:
        InputError: if ``chosen`` is no bundle.
    """
    if chosen is not None:
        bundle = Path(chosen).expanduser().resolve()
        if not (bundle / "configs" / "inference.json").is_file():
            raise InputError(f"{bundle}: no configs/inference.json in it; give the folder of a bundle")
        return bundle
    own = bundle_folder()
    copy = copy_to / own.name
    shutil.copytree(own / "configs", copy / "configs", dirs_exist_ok=True)
    weights = copy / "models" / "model.pt"
    if not weights.exists():
        weights.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(own / "models" / "model.pt", weights)
    return copy
