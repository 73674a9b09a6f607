"""One short training of the bundle with some settings changed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from monai.utils import path_to_sqlite_uri

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.run_bundle import config_files


def train_once(folder: Path, settings: Mapping[str, Any], configs: Sequence[str] = ()) -> float:
    """Train into ``folder``, unless that was done before; the weights are ``folder/model.pt``.

    Args:
        folder: for weights, checkpoints and an MLflow store.
        settings: values of the config by id; for None the expression ``"$None"``.
        configs: of the bundle, laid over ``train.json``.

    Returns:
        Duration of the training in seconds.

    Raises:
        ValueError: for a setting that is None, which MONAI's command ignores.
        subprocess.CalledProcessError: if the training fails; its output has the reason.
    """
    finished = folder / "finished"
    if not finished.exists():
        paths = {"bundle_root": bundle_folder(), "output_dir": folder, "model_path": folder / "model.pt"}
        values = {**paths, "tracking_uri": path_to_sqlite_uri(folder / "mlruns.db"), **settings}
        words = [word for key, value in values.items() for word in (f"--{key}", _literal(value))]
        command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(config_files(configs)), *words]
        start = time.perf_counter()
        subprocess.run(command, check=True)
        finished.write_text(json.dumps({"seconds": time.perf_counter() - start}))
    return float(json.loads(finished.read_text())["seconds"])


def _literal(value: Any) -> str:
    """A Python literal: within a dictionary MONAI's command parses ``False``, but takes JSON's ``false`` as a word."""
    if value is None:
        raise ValueError("MONAI's command passes over None: give the expression '$None'")
    return str(value)
