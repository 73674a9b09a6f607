"""Equations (2) to (11), each derived again from networks simple enough to write down what they do."""

import pytest
import torch
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from monai_unsup_denoise.losses import PaperObjective

WEIGHTS = dict.fromkeys(PaperObjective.TERMS, 1.0)
SURE = -80.0  # log-variance of a code that is, in single precision, its mean


class Encoder:
    """Content is the image; code is its mean; counts what it was shown."""

    def __init__(self):
        self.shown = []

    def content(self, image):
        return [image]

    def noise(self, image):
        self.shown.append(image)
        mean = image.mean(dim=(1, 2, 3))[:, None]
        return mean, torch.full_like(mean, SURE)


class Affine(nn.Module):
    """``gain * content + slope * code``."""

    def __init__(self, gain, slope):
        super().__init__()
        self.gain, self.slope = gain, slope

    def forward(self, content, code):
        return self.gain * content[0] + self.slope * code[:, :, None, None]


class Logits(nn.Module):
    """Logits ``factor * image``."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, image):
        return [image, self.factor * image]


@pytest.fixture
def simple():
    encoder = Encoder()
    return {
        "content_encoder": encoder.content,
        "noise_encoder": encoder.noise,
        "generator_high": Affine(0.9, 0.3),
        "generator_low": Affine(1.2, 0.7),
        "discriminator_high": Logits(0.5),
        "discriminator_low": Logits(-2.0),
    }, encoder


@pytest.fixture
def images(batch):
    """What the equations call ``l, h, fakeh, fakel`` and so on, of the simple networks."""
    low, high = batch["noisy"], batch["clean"]

    def z(image):
        return image.mean(dim=(1, 2, 3), keepdim=True)

    fakeh, fakel = 0.9 * low + 0.3 * z(low), 1.2 * high + 0.7 * z(low)
    return {
        "l": low,
        "h": high,
        "z": z(low),
        "fakeh": fakeh,
        "fakel": fakel,
        "fakehh": 0.9 * fakel + 0.3 * z(fakel),
        "fakell": 1.2 * fakeh + 0.7 * z(fakel),
    }


def test_every_term_of_equation_11_is_finite(networks, batch, least_squares):
    objective = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss)
    terms, images = objective.generator_step(networks, batch)
    terms = terms | objective.discriminator_step(networks, batch, images)
    assert tuple(sorted(terms)) == tuple(sorted(PaperObjective.TERMS))
    for name, term in terms.items():
        assert term.dim() == 0 and term.isfinite() and term >= 0, name
        assert term.requires_grad, name


def test_the_generators_terms_are_the_paper_s(simple, batch, images, least_squares):
    networks, _ = simple
    objective = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss)
    terms, _ = objective.generator_step(networks, batch)
    mean, variance = images["z"].flatten(), torch.tensor(SURE).exp()
    expected = {
        "kl": (0.5 * (mean**2 + variance - 1 - SURE)).mean(),  # (2), a code of one number
        "adversarial_high": ((0.5 * images["fakeh"] - 1) ** 2).mean(),  # (3)
        "adversarial_low": ((-2.0 * images["fakel"] - 1) ** 2).mean(),  # (5)
        "cycle": (images["h"] - images["fakehh"]).abs().mean() + (images["l"] - images["fakell"]).abs().mean(),  # (7)
        "perceptual": ((images["fakel"] - images["l"]) ** 2).mean(),  # (10)
    }
    assert set(terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=lambda text, name=name: f"{name}: {text}")


def test_the_discriminators_terms_are_the_paper_s(simple, batch, images, least_squares):
    networks, _ = simple
    objective = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss)
    _, made = objective.generator_step(networks, batch)
    terms = objective.discriminator_step(networks, batch, made)
    expected = {
        "discriminator_high": ((0.5 * images["h"] - 1) ** 2).mean() + ((0.5 * images["fakeh"]) ** 2).mean(),
        "discriminator_low": ((-2.0 * images["l"] - 1) ** 2).mean() + ((-2.0 * images["fakel"]) ** 2).mean(),
    }
    assert set(terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], 0.5 * value)


def test_the_code_is_that_of_l_first_and_then_that_of_fakel(simple, batch, images, least_squares):
    networks, encoder = simple
    PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss).generator_step(networks, batch)
    assert len(encoder.shown) == 2
    torch.testing.assert_close(encoder.shown[0], images["l"])
    torch.testing.assert_close(encoder.shown[1], images["fakel"])
    # With the code of fakeh in equation (9), as a reader might expect, the cycle would be another number.
    other = 1.2 * images["fakeh"] + 0.7 * images["fakeh"].mean(dim=(1, 2, 3), keepdim=True)
    assert not torch.allclose(l1_loss(other, images["l"]), l1_loss(images["fakell"], images["l"]), rtol=1e-3)


@pytest.mark.parametrize("pair", [("fakel", "l"), ("fakeh", "l"), ("fakeh", "h")])
def test_the_perceptual_pair_can_be_the_printed_one_or_another(simple, batch, images, least_squares, pair):
    networks, _ = simple
    shown = []

    def perceptual(first, second):
        shown.extend((first, second))
        return mse_loss(first, second)

    objective = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=perceptual, perceptual_pair=pair)
    objective.generator_step(networks, batch)
    assert len(shown) == 2
    for image, name in zip(shown, pair, strict=True):
        torch.testing.assert_close(image, images[name])


def test_the_images_made_are_detached_and_pred_is_fakeh(simple, batch, images, least_squares):
    networks, _ = simple
    _, made = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss).generator_step(networks, batch)
    torch.testing.assert_close(made["pred"], images["fakeh"])
    torch.testing.assert_close(made["fake_low"], images["fakel"])


def test_images_carry_no_gradient_into_the_next_half_step(networks, batch, least_squares):
    objective = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss)
    _, made = objective.generator_step(networks, batch)
    assert not any(image.requires_grad for image in made.values())


def test_one_content_encoder_reads_both_domains(networks, batch, least_squares):
    shown = []
    networks["content_encoder"].register_forward_pre_hook(lambda _, images: shown.append(images[0]))
    PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss).generator_step(networks, batch)
    assert len(shown) == 4
    assert shown[0] is batch["noisy"]
    assert shown[1] is batch["clean"]


def test_the_code_is_sampled_while_training(networks, batch, least_squares):
    objective = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss)
    with torch.no_grad():  # a code that matters, of unit variance
        for parameter in networks["generator_high"].parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        networks["noise_encoder"].log_variance_bias.zero_()
    first, second = (objective.generator_step(networks, batch)[1]["pred"] for _ in range(2))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize(
    "term, trained",
    [
        ("kl", {"noise_encoder"}),
        ("adversarial_high", {"content_encoder", "noise_encoder", "generator_high", "discriminator_high"}),
        ("adversarial_low", {"content_encoder", "noise_encoder", "generator_low", "discriminator_low"}),
        ("cycle", {"content_encoder", "noise_encoder", "generator_high", "generator_low"}),
        ("perceptual", {"content_encoder", "noise_encoder", "generator_low"}),
    ],
)
def test_each_term_trains_the_networks_that_its_equation_names(networks, batch, least_squares, term, trained):
    with torch.no_grad():
        for name in ("generator_high", "generator_low"):
            for parameter in networks[name].parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    terms, _ = PaperObjective(WEIGHTS, adversarial=least_squares, perceptual=mse_loss).generator_step(networks, batch)
    terms[term].backward()
    reached = {
        name
        for name, network in networks.items()
        if any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    }
    assert reached == trained
