"""The inference config of a bundle."""

from pathlib import Path

import torch
from monai.bundle import ConfigParser

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.literal import literal


def read_inference_config(bundle: str | Path | None = None) -> ConfigParser:
    """``inference.json``, and the config laid over it, as a list of configs is in MONAI's command; not yet parsed.

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
    configs = [base, config] if base.is_file() and base != config else [config]
    parser = ConfigParser()
    parser.read_config([str(config) for config in configs])
    if "correlated_noise" in parser:
        raise InputError(
            f"{config}: correlated_noise of version 0.7 is gone; correlation is read from the scan: leave it out, and "
            "give network and weights of this version"
        )
    parser["bundle_root"] = literal(config.parent.parent)
    return parser


def find_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        InputError: if this machine does not have it.
    """
    try:
        device = torch.device(name)
        torch.empty(0, device=device).tolist()  # which "meta", that holds nothing, refuses
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"device {name!r}: not on this machine ({reason}); leave it out or use cpu") from None
    return device
