"""Convolutions that end in a ReLU or in a sum, on the CPU in one pass over memory.

At 32 features the passes of ReLU and sum cost as much as the convolution. oneDNN does them while it writes its result;
PyTorch has that only as the operators that `torch.compile` uses, which needs a C++ compiler and half a minute. Anywhere
else, as for training, TorchScript, ONNX and a GPU, the same is computed by PyTorch's public functions.
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv3d


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Convolution of odd width, 2-D or 3-D, padded to keep the size."""
    padding = weight.size(2) // 2
    if x.dim() == 5:
        return conv3d(x, weight, bias, padding=padding)
    return conv2d(x, weight, bias, padding=padding)


def convolve_relu(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``relu(convolve(x))``."""
    if not torch.jit.is_scripting() and _is_fused(x):
        return torch.ops.mkldnn._convolution_pointwise(*_operands(x, weight, bias), "relu", [], "")
    return convolve(x, weight, bias).relu_()


def convolve_add(x: Tensor, weight: Tensor, bias: Tensor | None, addend: Tensor) -> Tensor:
    """``addend + convolve(x)``. Without gradients ``addend`` may be overwritten."""
    if not torch.jit.is_scripting() and _is_fused(x):
        operands = _operands(x, weight, bias)
        add = torch.ops.mkldnn._convolution_pointwise_.binary
        return add(addend, *operands, "add", None, None, [], None)
    return convolve(x, weight, bias).add_(addend)


@torch.jit.unused
def _is_fused(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and not (torch.is_grad_enabled() or torch.jit.is_tracing() or torch.compiler.is_compiling())
        and x.dtype == (torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32)
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_convolution_pointwise_")
        and _has_onednn(x.dtype)
    )


@torch.jit.unused
def _has_onednn(dtype: torch.dtype) -> bool:
    """Whether oneDNN computes in ``dtype`` on this CPU. It has no bfloat16 without AVX-512; PyTorch emulates it."""
    if dtype == torch.bfloat16:
        return torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if dtype == torch.float16:
        return torch.ops.mkldnn._is_mkldnn_fp16_supported()
    return dtype == torch.float32


@torch.jit.unused
def _operands(x: Tensor, weight: Tensor, bias: Tensor | None) -> tuple:
    axes = x.dim() - 2
    padding, ones = [weight.size(2) // 2] * axes, [1] * axes
    return x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype), padding, ones, ones, 1
