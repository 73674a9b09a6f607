"""The network in integers of 8 bits: NNCF's quantisation after training, calibrated on some tiles.

    python experiments/backends_int8.py model.onnx calibration.npz int8.xml

See `backends.py`. Each array of the file holds tiles ``(1, 1, H, W, D)`` or their noise codes, in the same order.
"""

from __future__ import annotations

import os
import sys

import numpy as np


def main() -> None:
    """Read a graph, write the quantised one."""
    os.environ["NNCF_CI"] = "1"  # sends nothing about its use
    import nncf
    import openvino

    graph_file, calibration, quantised = sys.argv[1:]
    inputs = np.load(calibration)
    pairs = list(zip(inputs["tiles"], inputs["codes"], strict=True))
    model = openvino.Core().read_model(graph_file)
    dataset = nncf.Dataset(pairs, list)
    openvino.save_model(nncf.quantize(model, dataset, subset_size=len(pairs)), quantised, compress_to_fp16=False)


if __name__ == "__main__":
    main()
