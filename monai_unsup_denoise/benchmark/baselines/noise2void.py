"""Noise2Void, self-supervised denoising trained on the noisy volume itself, by CAREamics (package careamics).

Krull A, Buchholz T-O, Jug F (2019). Noise2Void: learning denoising from single noisy images. CVPR, 2129-2137.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator

import numpy as np

_PATCH = 64
_MULTIPLE = 4  # CAREamics' U-Net halves twice


class Noise2Void:
    """A 2-D U-Net that predicts a voxel from its neighbours in the slice, trained on the volume it denoises.

    Blind. It learns the mean of the magnitudes, so the Rician bias stays.

    Args:
        steps: training steps of 16 patches of 64 x 64 voxels.
        seed: of weights, patches and blind spots; 1 or more.
    """

    def __init__(self, *, steps: int = 2000, seed: int = 1) -> None:
        from careamics import CAREamist
        from careamics.config.factories import create_advanced_n2v_config

        self.steps = steps
        self.seed = seed
        self._trainer, self._make_config = CAREamist, create_advanced_n2v_config

    def __call__(self, noisy: np.ndarray, sigma: float | None = None) -> np.ndarray:
        """Denoise a volume `(X, Y, Z)`, slices along the last axis; `sigma` is ignored."""
        slices = np.ascontiguousarray(np.moveaxis(np.asarray(noisy, dtype=np.float32), -1, 0))
        with _quiet(), tempfile.TemporaryDirectory() as folder:
            denoised = self._denoise(slices, folder)
        return np.ascontiguousarray(np.moveaxis(denoised, 0, -1), dtype=np.float32)

    def _denoise(self, slices: np.ndarray, folder: str) -> np.ndarray:
        config = self._make_config(
            experiment_name="noise2void",
            data_type="array",
            axes="SYX",
            patch_size=[_PATCH, _PATCH],
            batch_size=16,
            num_epochs=self.steps,  # more than there is time for: an epoch has at least one step
            num_workers=0,
            trainer_params={"max_steps": self.steps, "accelerator": "cpu", "enable_model_summary": False},
            model_params={"num_channels_init": 16},
            seed=self.seed,
        )
        careamist = self._trainer(config, work_dir=folder, enable_progress_bar=False)
        padded = _padded(slices)
        middle = len(padded) // 2  # its loss sets the learning rate; the default, patches kept from training, may fail
        careamist.train(train_data=padded, val_data=padded[middle : middle + 1])
        predictions, _ = careamist.predict(padded)
        rows, columns = slices.shape[1:]
        return np.asarray(predictions).reshape(padded.shape)[:, :rows, :columns]


def _padded(slices: np.ndarray) -> np.ndarray:
    """Slices mirrored at their ends to the length of a patch or more, a multiple of what the U-Net needs."""
    missing = [max(_PATCH - n, -n % _MULTIPLE) for n in slices.shape[1:]]
    return np.pad(slices, [(0, 0), *((0, m) for m in missing)], mode="symmetric")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the log lines, warnings and prints of Lightning and CAREamics."""
    logging.disable(logging.WARNING)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
