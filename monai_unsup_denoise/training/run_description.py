"""How a training is named and described in MLflow."""

import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from monai_unsup_denoise.data import data_source_label
from monai_unsup_denoise.losses import Objective


def new_run_name() -> str:
    """A name that no other run has: the time, and six random letters and digits. MLflow joins runs of one name."""
    return time.strftime("%Y%m%d-%H%M%S-") + uuid.uuid4().hex[:6]


def run_parameters(
    datalists: Mapping[str, Sequence],
    *,
    noisy_dir: str | Path | None,
    clean_dir: str | Path | None,
    pretrained: str | Path | None,
    **settings: Any,
) -> dict[str, Any]:
    """``settings``, and what the training reads, without any path."""
    return settings | {
        "noisy_data": data_source_label(noisy_dir),
        "clean_data": data_source_label(clean_dir),
        "noisy_volumes": len(datalists["noisy"]),
        "clean_volumes": len(datalists["clean"]),
        "pretrained": pretrained is not None,
    }


def run_tags(bundle_root: str | Path, objective: Objective) -> dict[str, str]:
    """The bundle's version and the name of the training method."""
    metadata = ConfigParser.load_config_file(str(Path(bundle_root) / "configs" / "metadata.json"))
    return {"bundle_version": metadata["version"], "objective": type(objective).__name__}
