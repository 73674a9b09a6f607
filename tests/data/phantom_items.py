"""Access to the scans of a phantom datalist."""

import nibabel
import numpy as np


def read(path: str) -> np.ndarray:
    return nibabel.load(path).get_fdata(dtype=np.float32)


def find(items: list[dict], subject: int, contrast: str) -> dict:
    return next(item for item in items if (item["subject"], item["contrast"]) == (subject, contrast))
