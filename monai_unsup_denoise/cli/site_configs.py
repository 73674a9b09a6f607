"""Configs of a federated training on this machine: the bundle's own, and what this site has set."""

import os
from collections.abc import Sequence
from pathlib import Path

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.errors import InputError

#: Names the JSON file with the settings of a site: folders of scans, output, sizes of the networks.
VARIABLE = "MRI_DENOISE_SITE"


def site_configs(names: Sequence[str] = (), *, needs_settings: bool = True) -> list[str]:
    """Paths of ``train.json``, of the configs ``names`` laid over it, and of the settings of this site.

    Configs can run code. Those of a federated training are files of this machine, and ``names``, which come from
    elsewhere, can only choose among the bundle's.

    Raises:
        InputError: for a name that is not in the bundle's configs; if the settings are needed and there are none.
    """
    known = {path.name for path in (bundle_folder() / "configs").glob("train*.json")}
    for name in names:
        if name not in known:
            has = ", ".join(sorted(known))
            raise InputError(f"{name}: not a config of the bundle on this machine, which has {has}")
    settings = os.environ.get(VARIABLE)
    if settings and not Path(settings).is_file():
        raise InputError(f"{VARIABLE}={settings}: no such file; give the JSON file with the settings of this site")
    if needs_settings and not settings:
        raise InputError(f"{VARIABLE}: not set; let it name the JSON file with the settings of this site")
    bundled = [str(bundle_folder() / "configs" / name) for name in names]  # not a file of that name in this folder
    return config_files([*bundled, *([settings] if settings else [])])
