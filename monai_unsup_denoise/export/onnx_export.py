"""The network as ONNX graphs, for programs without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.files import atomic_write

_OPSET = 20


def write_onnx(network: Any, path: Path, noise_path: Path) -> None:
    """Write a 3-D denoiser as two graphs in float32, for volumes of any size of at least 16 x 16 x 1 voxels.

    The graph at ``path`` takes ``image`` ``(batch, 1, x, y, z)`` in multiples of its reference intensity and gives
    ``pred``, of the same shape and units; ``own_code`` ``(batch, code_channels)``, the noise code read from each image;
    and ``sigma`` ``(batch,)``, the noise level that it stands for, in units of the image. A second input may be left
    out: ``code`` ``(1, code_channels)``, to denoise by in place of ``own_code``, such as that of the whole volume where
    ``image`` holds windows of it.

    The graph at ``noise_path``, some kilobytes, gives ``own_code`` and ``sigma`` alone.

    Args:
        network: a ``DisentangledDenoiser`` of single-channel volumes, with a noise level; on the CPU.
        path, noise_path: files that end in ``.onnx``; each appears whole or not at all.

    Raises:
        InputError: if the packages that write ONNX are missing, or the network has no noise level.
    """
    try:
        import onnx.utils
        import onnxscript  # noqa: F401  (torch asks for it halfway)
    except ImportError as error:
        raise InputError(f"{error.name}: not installed; pip install 'monai-unsup-denoise[onnx]'") from None
    if getattr(network, "noise_level", None) is None:
        raise InputError(f"{path}: a network without noise level cannot be exported; give one of inference.json")
    model = _graph(network)
    with atomic_write(path) as partial, atomic_write(noise_path) as noise_partial:
        onnx.save(model, partial)
        onnx.utils.extract_model(partial, noise_partial, ["image"], ["own_code", "sigma"])


class _Outputs(nn.Module):
    """All outputs of the graph; where ``code`` is NaN, the image's own stands in for it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network: Any = network

    def forward(self, image: torch.Tensor, code: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        own_code = self.network.encode_noise(image)
        pred = self.network(image, torch.where(code.isnan(), own_code, code))
        return pred, own_code, self.network.sigma(own_code)


def _graph(network: Any) -> Any:
    """The ``onnx.ModelProto`` of ``network``; sides are free, as long as one is not taken for another here."""
    import onnx

    image = torch.rand(2, 1, 24, 20, 12)
    unknown = torch.full((1, network.encode_noise(image).shape[1]), torch.nan)
    program = torch.onnx.export(
        _Outputs(network).eval(),
        (image, unknown),
        input_names=["image", "code"],
        output_names=["pred", "own_code", "sigma"],
        dynamic_shapes=({0: "batch", 2: "x", 3: "y", 4: "z"}, None),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    # An input with an initial value is one that may be left out.
    model.graph.initializer.append(onnx.numpy_helper.from_array(unknown.numpy(), "code"))
    return model
