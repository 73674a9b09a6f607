"""That Muon orthogonalises as its authors say, in the precision that the processor is fast in."""

import pytest
import torch

from monai_unsup_denoise.training import Muon, muon

RATE = 0.01
SIZE = {"momentum": 0.0, "nesterov": False, "weight_decay": 0.0, "use_adjusted_lr": False, "lr": RATE}
KERNELS = [(8, 4, 3, 3, 3), (4, 32, 3, 3, 3), (24, 4, 2, 2, 1), (96, 24)]  # wide; tall; and two equal sizes, transposed


def polynomial(singular: torch.Tensor) -> torch.Tensor:
    """What five quintic iterations make of singular values (Jordan et al. 2024)."""
    for _ in range(5):
        singular = 3.4445 * singular - 4.7750 * singular**3 + 2.0315 * singular**5
    return singular


def expected(gradient: torch.Tensor) -> torch.Tensor:
    """The orthogonalised gradient, by the singular value decomposition in float64."""
    u, singular, v = torch.linalg.svd(gradient.double().flatten(1), full_matrices=False)
    return (u * polynomial(singular / singular.square().sum().sqrt()) @ v).reshape(gradient.shape)


def moved(shapes) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """By how much one step moves kernels of these shapes, and their gradients."""
    torch.manual_seed(0)
    kernels = [torch.nn.Parameter(torch.zeros(shape)) for shape in shapes]
    for kernel in kernels:
        kernel.grad = torch.randn(kernel.shape)
    gradients = [kernel.grad.clone() for kernel in kernels]
    Muon([{"params": kernels, "use_muon": True}], **SIZE).step()
    return [(kernel.detach(), gradient) for kernel, gradient in zip(kernels, gradients, strict=True)]


def error(step: torch.Tensor, gradient: torch.Tensor) -> float:
    """Of a step, relative to what it should be; Muon scales by the root of rows over columns where there are more."""
    rows, columns = gradient.flatten(1).shape
    right = -RATE * max(1, rows / columns) ** 0.5 * expected(gradient)
    return float((step - right).norm() / right.norm())


@pytest.mark.parametrize("shapes", [KERNELS, KERNELS[:1], KERNELS[2:]], ids=["mixed", "one", "equal"])
def test_a_step_is_the_orthogonalised_gradient(shapes, monkeypatch):
    monkeypatch.setattr(muon, "autocast_dtype", lambda device: None)
    assert max(error(*pair) for pair in moved(shapes)) < 1e-4


def test_bfloat16_is_used_where_it_is_fast(monkeypatch):
    monkeypatch.setattr(muon, "autocast_dtype", lambda device: torch.bfloat16)
    errors = [error(*pair) for pair in moved(KERNELS)]
    assert min(errors) > 1e-3 and max(errors) < 0.1
