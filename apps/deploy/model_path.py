"""Load the model that the user names."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile

import torch

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import check_zip
from monai_unsup_denoise.inference.bundle import read_inference_config
from monai_unsup_denoise.inference.denoiser import Denoiser

CONFIG = "inference.json"


def load_denoiser(path: Path | None) -> Denoiser:
    """The denoiser of a model.

    Args:
        path: folder of a bundle; a TorchScript file of ``make export``; or a folder with one of these and nothing else,
            such as the models' folder of a MONAI Application Package. None: the bundled model.

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
    """The denoiser of the config inside a TorchScript file, with the network of that file.

    Where its weights fit the network of the config, that network computes: it is faster.
    """
    inside = {CONFIG: ""}
    try:
        check_zip(path)
        network = torch.jit.load(path, map_location="cpu", _extra_files=inside)
    except (RuntimeError, ValueError, BadZipFile) as error:
        reason = "no such file" if not path.exists() else "not a TorchScript file, or a damaged one"
        raise InputError(f"{path}: {reason}; give a model.ts of `make export`, or the folder of a bundle") from error
    if not inside[CONFIG]:
        raise InputError(f"{path}: holds no {CONFIG}; export it with `make export`")
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / CONFIG
        config.write_bytes(inside[CONFIG])
        try:
            own = read_inference_config(config).get_parsed_content("network_def")
        except InputError as error:
            raise InputError(f"{path}: of an earlier version; export it again with `make export`") from error
        with suppress(RuntimeError):  # of other names or shapes
            own.load_state_dict(network.state_dict())
            network = own
        return Denoiser.from_bundle(config, network=network)
