"""The denoiser that a bundle's inference config describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import nn

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError, find_input_error


def parse_denoiser(
    bundle: str | Path | None,
    *,
    model: str | Path | None,
    device: str | None,
    network: nn.Module | None,
    settings: Mapping[str, Any],
) -> Any:
    """The component ``denoiser`` of an inference config; arguments and errors as of `Denoiser.from_bundle`."""
    configs = inference_configs(bundle)
    parser = ConfigParser()
    parser.read_config([str(config) for config in configs])
    parser["bundle_root"] = str(configs[0].parent.parent)
    if model is not None:
        parser["model_path"] = str(model)
    if device is not None:
        parser["device"] = _device(device)
    for name, value in settings.items():
        if name not in parser:
            raise InputError(f"{name}: no such id in {', '.join(config.name for config in configs)}")
        if value is not None:
            parser[name] = value
    if network is not None:
        parser["network_def"] = network
        parser["model_path"] = None
    try:
        return parser.get_parsed_content("denoiser")
    except RuntimeError as error:
        raise find_input_error(error) or error from None


def inference_configs(bundle: str | Path | None = None) -> list[Path]:
    """``inference.json``, and the config laid over it, as a list of configs is in MONAI's command.

    Args:
        bundle: folder of a bundle or an inference config; the bundle of the package if None.

    Raises:
        InputError: if there is none.
    """
    bundle = bundle_folder() if bundle is None else Path(bundle)
    config = bundle if bundle.suffix == ".json" else bundle / "configs" / "inference.json"
    if not config.is_file():
        raise InputError(f"{config}: no such file; give the folder of a bundle with configs/inference.json")
    config = config.resolve()
    base = config.with_name("inference.json")
    return [base, config] if base.is_file() and base != config else [config]


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {name!r}: not on this machine ({reason}); leave it out or use cpu") from None
    return device
