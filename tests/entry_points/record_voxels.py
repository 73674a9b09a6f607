"""Record the voxels that the entry points must give: `python -m tests.entry_points.record_voxels`.

Only where a change of the method is meant to change them. In float32, so that they are those of any processor.
"""

import json
from pathlib import Path

import numpy as np

from monai_unsup_denoise import __version__
from monai_unsup_denoise.inference import Denoiser
from tests.io.dicom.synthetic import block

PATH = Path(__file__).with_name("voxels.json")
SHAPE = (28, 32, 12)  # multiples of 4: an exported network by itself pads others


def main() -> None:
    """Denoise the scan of the tests with and without refinement, and keep 400 voxels."""
    chosen = np.sort(np.random.default_rng(0).choice(np.prod(SHAPE), 400, replace=False))
    record = {"version": __version__, "shape": SHAPE, "voxels": chosen.tolist()}
    for refine, name in ((True, "refined"), (False, "without_refinement")):
        denoiser = Denoiser.from_bundle(device="cpu", settings={"refine": refine})
        denoiser.inferer.autocast = None
        volume = denoiser.denoise_image(denoiser.wrap(block(SHAPE).astype(np.float32)))
        record |= {"sigma": round(volume.sigma, 5), "range": round(float(np.ptp(volume.denoised)), 3)}
        record[name] = [round(float(voxel), 4) for voxel in volume.denoised.ravel()[chosen]]
    PATH.write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
