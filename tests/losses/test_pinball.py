"""The pinball loss: its minimum is the quantile."""

import numpy as np
import pytest
import torch

from monai_unsup_denoise.losses import pinball_loss


@pytest.mark.parametrize("share", [0.05, 0.68, 0.95])
def test_minimum_is_the_quantile(share):
    values = torch.from_numpy(np.random.default_rng(0).gamma(2.0, size=20_001))
    candidates = torch.linspace(0, 8, 801, dtype=torch.float64)
    losses = torch.stack([pinball_loss(one, values, share).mean() for one in candidates])
    assert float(candidates[losses.argmin()]) == pytest.approx(np.quantile(values.numpy(), share), abs=0.01)


def test_values_by_hand():
    loss = pinball_loss(torch.tensor([1.0, 1.0, 1.0]), torch.tensor([3.0, 1.0, 0.0]), 0.9)
    torch.testing.assert_close(loss, torch.tensor([1.8, 0.0, 0.1]))
