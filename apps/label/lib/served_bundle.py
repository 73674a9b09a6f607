"""The bundle that is served: the user's own, or a copy of the bundled model."""

from __future__ import annotations

import shutil
from pathlib import Path

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError


def served_bundle(chosen: str | Path | None, *, copy_to: Path) -> Path:
    """Folder of the bundle to serve. Trainings replace its ``models/model.pt``.

    The bundled model is copied, so that no training changes an installed or tracked file. Its configs are copied at
    every start, its weights only at the first: a training may have replaced them.

    Args:
        chosen: the user's bundle, served in place; None for the bundled model.
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
