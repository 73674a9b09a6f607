"""Parameters tuned on phantoms by `python -m experiments.tune_baselines`, in `parameters.json`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

PARAMETERS = Path(__file__).with_name("parameters.json")


def tuned_parameters(method: str, sigma: float) -> dict[str, Any]:
    """The best parameters at the noise level nearest to `sigma` by ratio; `sigma` is a fraction of the clean maximum.

    Raises:
        KeyError: if the method was not tuned.
        ValueError: if `sigma` is not positive.
    """
    if not sigma > 0:
        raise ValueError(f"the parameters of {method} go by the noise level, which must be positive; got {sigma}")
    by_level = json.loads(PARAMETERS.read_text(encoding="utf-8"))[method]
    nearest = min(by_level, key=lambda percent: abs(math.log(100 * sigma / float(percent))))
    return dict(by_level[nearest])
