"""The network as ONNX graphs, for programs without PyTorch."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.protocols import NoiseAwareNetwork

_LARGE = 1000  # entries of a weight that is worth storing in half precision


def write_onnx(network: nn.Module, path: Path, noise_path: Path) -> None:
    """Write a 3-D denoiser as two graphs in float32, for volumes of any size of at least 16 x 16 x 1 voxels.

    The graph at ``path`` takes

    - ``image`` ``(batch, 1, x, y, z)``, in multiples of its reference intensity;
    - ``code`` ``(1, code_channels)``, optional: the noise code to denoise with, in place of ``own_code``. For windows
      of a volume, give the code of the whole volume.

    It returns

    - ``pred``, of the shape and units of ``image``, without the refinement stage;
    - ``own_code`` ``(batch, code_channels)``, the noise code of each image;
    - ``sigma`` ``(batch,)``, the noise level of that code, in units of the image.

    The graph at ``noise_path``, one megabyte, returns only ``own_code`` and ``sigma``.

    Weights that half precision holds exactly are stored in it, and cast as the graph is loaded.

    The network is a `NoiseAwareNetwork` of single-channel volumes, on the CPU.

    Raises:
        InputError: if the packages that write ONNX are missing, or the network does not estimate the noise level.
    """
    require("onnx", "onnxscript", extra="onnx")  # torch imports the second one only halfway
    import onnx.utils

    if not isinstance(network, NoiseAwareNetwork):
        raise InputError(f"{path}: this network does not estimate the noise level; give the network of inference.json")
    outputs = _Outputs(network).eval()
    image = torch.rand(2, 1, 24, 20, 12)  # an axis is dynamic if its length differs from the others'
    unknown = torch.full((1, network.encode_noise(image).shape[1]), torch.nan)
    program = torch.onnx.export(
        outputs,
        (image, unknown),
        input_names=["image", "code"],
        output_names=["pred", "own_code", "sigma"],
        dynamic_shapes=({0: "batch", 2: "x", 3: "y", 4: "z"}, None),
        opset_version=20,
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # with dynamo
    model = program.model_proto
    _forget_sources(model.graph)
    _store_in_half(model.graph)
    # ONNX: an input with an initial value is optional.
    model.graph.initializer.append(onnx.numpy_helper.from_array(unknown.numpy(), "code"))
    with atomic_write(path) as partial, atomic_write(noise_path) as noise_partial:
        onnx.save(model, partial)
        onnx.utils.extract_model(partial, noise_partial, ["image"], ["own_code", "sigma"])


class _Outputs(nn.Module):
    """All outputs of the graph; where ``code`` is NaN, the code of the image replaces it."""

    network: Any  # a module and a NoiseAwareNetwork: mypy has no type for both

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        own_code = self.network.encode_noise(image)
        used = torch.where(code.isnan(), own_code, code)
        if getattr(self.network, "white", None) is None:
            pred = self.network(image, used)
        else:  # only the network that is needed is run
            is_white = (used[:, 1:] == 0).all()
            networks = self.network.without_white_noise, self.network.without_noise
            pred = torch.cond(is_white, *networks, (image, used, used))
        return pred, own_code, self.network.sigma(own_code)


def _forget_sources(graph: Any) -> None:
    """Remove torch's notes on each node: they hold folders of this machine, and are a third of the file."""
    for node in graph.node:
        node.ClearField("metadata_props")
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _forget_sources(attribute.g)


def _store_in_half(graph: Any) -> None:
    import onnx

    for number, weight in enumerate(graph.initializer):
        values = onnx.numpy_helper.to_array(weight)
        half = values.astype("float16") if values.dtype == "float32" and values.size > _LARGE else None
        if half is None or (half != values).any():
            continue
        name, stored = weight.name, f"{weight.name}_half"
        graph.initializer[number].CopyFrom(onnx.numpy_helper.from_array(half, stored))
        graph.node.insert(0, onnx.helper.make_node("Cast", [stored], [name], to=onnx.TensorProto.FLOAT))
