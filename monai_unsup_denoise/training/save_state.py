"""Files of weights and checkpoints, written whole or not at all."""

from collections.abc import Mapping
from pathlib import Path

import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write


def save_state(state: Mapping, path: Path) -> None:
    """Write ``state`` to ``path``; on the disk before it has that name.

    Raises:
        InputError: if the disk refuses.
    """
    try:
        # Into an open file: given a path, torch.save would store its random name, and equal models would differ.
        with atomic_write(path) as partial, partial.open("wb") as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:  # torch makes a RuntimeError of a full disk
        reason = next((e.strerror or e for e in (error, error.__context__) if isinstance(e, OSError)), "no room?")
        raise InputError(f"{path}: cannot be written ({reason}); make room or give another output_dir") from error
