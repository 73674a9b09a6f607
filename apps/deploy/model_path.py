"""From the model that the user names to what denoises."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoiser import Denoiser

CONFIG = "inference.json"


def load_denoiser(path: Path | None) -> Denoiser:
    """What denoises with the model at ``path``; with the bundle that comes with the package where it is None.

    Args:
        path: folder of a bundle, a TorchScript file of ``make export``, or a folder that holds one of these and
            nothing else, as the models' folder of a MONAI Application Package does.

    Raises:
        InputError: if it is none of these, or its weights do not fit.
    """
    if path is None:
        return Denoiser.from_bundle()
    while path.is_dir() and not (path / "configs").is_dir():
        inside = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
        if len(inside) != 1:
            raise InputError(f"{path}: no model; give the folder of a bundle (with configs/{CONFIG}) or a model.ts")
        path = inside[0]
    return Denoiser.from_bundle(path) if path.is_dir() else _load_torchscript(path)


def _load_torchscript(path: Path) -> Denoiser:
    """The network of a TorchScript file, with the preprocessing and the inferer of the config inside that file."""
    inside = {CONFIG: ""}
    try:
        network = torch.jit.load(path, map_location="cpu", _extra_files=inside)
    except (RuntimeError, ValueError) as error:
        reason = "no such file" if not path.exists() else "not a TorchScript file, or a damaged one"
        raise InputError(f"{path}: {reason}; give a model.ts of `make export`, or the folder of a bundle") from error
    if not inside[CONFIG]:
        raise InputError(f"{path}: holds no {CONFIG}; export it with `make export`")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / CONFIG
        config.write_bytes(inside[CONFIG])
        return Denoiser.from_bundle(config, network=network)
