"""One training of the bundle with some settings changed, for comparisons of many."""

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


def train_once(folder: Path, settings: Mapping[str, Any], configs: Sequence[str] = ()) -> float:
    """Train into ``folder``, unless that was done before; its weights are ``folder/model.pt``.

    Args:
        folder: for weights, checkpoints and its own MLflow store.
        settings: values of the config by id; for None the expression ``"$None"``.
        configs: of the bundle, laid over ``train.json``.

    Returns:
        Seconds it took when it was done.

    Raises:
        ValueError: for a setting that is None, which MONAI's command would pass over.
        subprocess.CalledProcessError: if the training fails; it has said why.
    """
    finished = folder / "finished"
    if not finished.exists():
        bundle = bundle_folder()
        files = [str(bundle / "configs" / name) for name in ("train.json", *configs)]
        places = {"bundle_root": bundle, "output_dir": folder, "model_path": folder / "model.pt"}
        everything = {**places, "tracking_uri": path_to_sqlite_uri(folder / "mlruns.db"), **settings}
        words = [word for key, value in everything.items() for word in (f"--{key}", _word(value))]
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "monai.bundle", "run", "--config_file", str(files), *words], check=True)
        finished.write_text(json.dumps({"seconds": time.perf_counter() - start}))
    return float(json.loads(finished.read_text())["seconds"])


def _word(value: Any) -> str:
    """As a Python literal: MONAI's command reads ``False`` in a dictionary, but takes JSON's ``false`` for a word."""
    if value is None:
        raise ValueError("MONAI's command passes over None: give the expression '$None'")
    return str(value)
