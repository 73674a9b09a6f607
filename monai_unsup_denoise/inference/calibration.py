"""What was measured of one set of weights: how large its errors are, and which scans it was trained on."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import write_text
from monai_unsup_denoise.inference.known_scans import KnownScans
from monai_unsup_denoise.inference.weights import load_weights, weights_sha256
from monai_unsup_denoise.networks import ErrorHead

#: In the folder of the weights.
CALIBRATION_FILES = ("calibration.json", "error_head.pt", "known_scans.csv")


@dataclass(frozen=True)
class Calibration:
    """What holds for the weights that it was measured with alone.

    Attributes:
        error_head: says how large the error of each voxel may be.
        known_scans: the scans of the training.
    """

    error_head: ErrorHead | None = None
    known_scans: KnownScans | None = None


def read_calibration(folder: str | Path, *, model_path: str | Path | None) -> Calibration:
    """The calibration in a folder, if it is that of the weights; else one without content.

    ``calibration.json`` has the SHA-256 of the weights, and what there is beside it: ``{"model_sha256": "…",
    "error_head": {…}, "known_scans": {"limit": 1.2}}``.

    Args:
        folder: of `CALIBRATION_FILES`.
        model_path: weights of the denoiser.

    Raises:
        InputError: if a file is damaged, or one that the JSON names is missing.
    """
    file, head, known = (Path(folder) / name for name in CALIBRATION_FILES)
    if model_path is None or not all(map(os.path.isfile, (file, model_path))):  # False for names too long
        return Calibration()
    try:
        content = json.loads(file.read_bytes())
        if content["model_sha256"] != weights_sha256(model_path):
            return Calibration()
        limit = content["known_scans"]["limit"] if "known_scans" in content else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: no calibration of a model; copy that of the bundle again, or remove it") from error
    loaded = load_weights(ErrorHead(), head, source="copy that of the bundle") if "error_head" in content else None
    return Calibration(loaded, None if limit is None else KnownScans(known, limit=float(limit)))  # type: ignore[arg-type]


def write_calibration(folder: str | Path, *, model_path: str | Path, **parts: dict[str, Any]) -> None:
    """Write ``calibration.json`` with these parts, such as ``error_head``; others of the same weights stay."""
    file = Path(folder) / CALIBRATION_FILES[0]
    digest = weights_sha256(model_path)
    content = json.loads(file.read_bytes()) if file.is_file() else {}
    if content.get("model_sha256") != digest:
        content = {"model_sha256": digest}
    write_text(file, json.dumps(content | parts, indent=4) + "\n")
