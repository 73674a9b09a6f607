"""The check of discriminators: its patches, and what it says of one that sees and one that does not."""

import pytest
import torch
from torch import nn

from experiments.discriminator_check import VARIANTS, measure


class Blind(nn.Module):
    """Knows its own bias alone."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        return [self.bias.expand(len(image))]


@pytest.fixture
def batches() -> list[dict[str, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    clean = torch.zeros(4, 1, 32, 32)
    return [{"clean": clean, "noisy": torch.randn(clean.shape, generator=generator)} for _ in range(40)]


def test_loss_of_a_blind_discriminator_tends_to_a_quarter(batches):
    table = measure("blind", Blind, 0.1, batches)
    assert table.batches.tolist() == [10, 20, 30, 40]
    assert table.loss.iloc[-1] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("name", VARIANTS)
def test_loss_of_a_variant_that_sees_falls(name, batches):
    losses = measure(name, VARIANTS[name], 0.001, batches).loss
    assert losses.iloc[-1] < 0.1 < losses.iloc[0]
