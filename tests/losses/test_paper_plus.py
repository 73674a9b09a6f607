"""The published method with terms of its relatives."""

import pytest
import torch
from torch.nn.functional import l1_loss, mse_loss

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.losses import PaperObjective, PaperPlusObjective
from monai_unsup_denoise.losses.low_pass import low_pass_loss
from monai_unsup_denoise.losses.self_reconstruction import self_reconstruction


def blobs(count: int = 2, side: int = 96) -> torch.Tensor:
    """Smooth images, of which a border is air."""
    x = torch.linspace(-1.3, 1.3, side)
    disc = (x[:, None] ** 2 + x[None] ** 2 < 1).float()
    waves = torch.stack([0.6 + 0.2 * torch.cos(3 * x[:, None] + k) * torch.sin(2 * x[None]) for k in range(count)])
    return (disc * waves).unsqueeze(1)


def test_the_terms_are_the_paper_s_and_two_more(networks, batch, least_squares):
    plus = PaperPlusObjective(
        dict.fromkeys(PaperPlusObjective.TERMS, 1.0), adversarial=least_squares, perceptual=mse_loss
    )
    printed = PaperObjective(dict.fromkeys(PaperObjective.TERMS, 1.0), adversarial=least_squares, perceptual=mse_loss)
    torch.manual_seed(0)
    terms, _ = plus.generator_step(networks, batch)
    torch.manual_seed(0)
    for name, value in printed.generator_step(networks, batch)[0].items():
        torch.testing.assert_close(terms.pop(name), value)
    assert set(terms) == {"self_reconstruction", "low_pass"}
    assert all(term.dim() == 0 and term.isfinite() for term in terms.values())


def test_self_reconstruction_compares_an_image_with_itself():
    def to_high(content, code):
        return 0.5 * content[0] + code[:, :, None, None]

    def encode_noise(image):
        return image.mean(dim=(1, 2, 3))[:, None], None

    high = torch.rand(3, 1, 8, 8)
    expected = l1_loss(0.5 * high + high.mean(dim=(1, 2, 3), keepdim=True), high)
    torch.testing.assert_close(self_reconstruction(high, [high], encode_noise, to_high), expected)


@pytest.mark.parametrize("level", [0.05, 0.3])
def test_low_pass_is_least_for_the_truth(level):
    torch.manual_seed(0)
    truth, others = blobs(), blobs().flip(0, 2)
    low, fake_low = add_rician_noise(truth, level), add_rician_noise(others, level)

    def loss(image):
        return low_pass_loss(image, low, fake_low, others).item()

    assert loss(truth) < 0.5 * level**2 + 0.01
    for wrong in (low, 0.85 * truth, truth + 0.3 * level + 0.05):  # the floor kept, darker, brighter
        assert loss(wrong) > 1.5 * loss(truth)


def test_low_pass_trains_the_denoised_image_alone():
    images = [blobs().requires_grad_() for _ in range(4)]
    low_pass_loss(*[image * (1 + 0.1 * number) for number, image in enumerate(images)]).backward()
    assert images[0].grad.abs().sum() > 0
    assert all(image.grad is None for image in images[1:])
