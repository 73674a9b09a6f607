"""CycleGAN's terms, each derived again from networks simple enough to write down what they do."""

import pytest
import torch
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from monai_unsup_denoise.losses import CycleGANObjective
from monai_unsup_denoise.losses.image_pool import ImagePool
from monai_unsup_denoise.networks import ContentEncoder, ContentGenerator, ImageTranslator

WEIGHTS = dict.fromkeys(CycleGANObjective.TERMS, 1.0)


class Gain(nn.Module):
    """``factor * image``."""

    def __init__(self, factor):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor))

    def forward(self, image):
        return self.factor * image


class Logits(Gain):
    """Logits ``factor * image``."""

    def forward(self, image):
        return [image, super().forward(image)]


@pytest.fixture
def simple():
    made = {
        "generator_high": Gain(0.8),
        "generator_low": Gain(1.5),
        "discriminator_high": Logits(0.5),
        "discriminator_low": Logits(-2.0),
    }
    return nn.ModuleDict(made)


def test_the_generators_terms_are_those_of_the_publication(simple, batch, least_squares):
    low, high = batch["noisy"], batch["clean"]
    terms, images = CycleGANObjective(WEIGHTS, adversarial=least_squares).generator_step(simple, batch)
    expected = {
        "adversarial_high": mse_loss(0.5 * 0.8 * low, torch.ones_like(low)),
        "adversarial_low": mse_loss(-2.0 * 1.5 * high, torch.ones_like(high)),
        "cycle_high": l1_loss(0.8 * 1.5 * high, high),
        "cycle_low": l1_loss(0.8 * 1.5 * low, low),
        "identity": l1_loss(0.8 * high, high) + l1_loss(1.5 * low, low),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, msg=name)
    torch.testing.assert_close(images["pred"], 0.8 * low)
    torch.testing.assert_close(images["fake_low"], 1.5 * high)
    assert not images["pred"].requires_grad and not images["fake_low"].requires_grad


def test_the_discriminators_tell_real_from_generated(simple, batch, least_squares):
    objective = CycleGANObjective(WEIGHTS, adversarial=least_squares, pool_size=0)
    _, images = objective.generator_step(simple, batch)
    terms = objective.discriminator_step(simple, batch, images)
    for name, factor, real, fake in (
        ("discriminator_high", 0.5, batch["clean"], images["pred"]),
        ("discriminator_low", -2.0, batch["noisy"], images["fake_low"]),
    ):
        on_real = (factor * real - 1).square().mean()
        torch.testing.assert_close(terms[name], (on_real + (factor * fake).square().mean()) / 2)


def test_every_term_reaches_every_generator(networks, batch, least_squares):
    for name in ("generator_high", "generator_low"):
        backbone = ContentGenerator(2, 3, code_channels=1, channels=(4, 6), residual=False)
        networks[name] = ImageTranslator(ContentEncoder(2, 3, channels=(4, 6)), backbone)
    terms, _ = CycleGANObjective(WEIGHTS, adversarial=least_squares).generator_step(networks, batch)
    reached = {"adversarial_high": {"generator_high"}, "adversarial_low": {"generator_low"}}
    for name, term in terms.items():
        networks.zero_grad()
        term.backward(retain_graph=True)
        got = {
            key
            for key in ("generator_high", "generator_low")
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in networks[key].parameters())
        }
        assert got == reached.get(name, {"generator_high", "generator_low"}), name


def numbered(*numbers):
    return torch.tensor(numbers, dtype=torch.float32)[:, None]


def test_a_pool_that_is_not_full_passes_images_through():
    pool = ImagePool(4)
    assert torch.equal(pool.exchange(numbered(1, 2, 3)), numbered(1, 2, 3))
    empty = ImagePool(0)
    for start in range(5):
        assert torch.equal(empty.exchange(numbered(start)), numbered(start))


def test_half_of_what_a_full_pool_returns_are_old_images():
    torch.manual_seed(0)
    pool = ImagePool(10)
    pool.exchange(numbered(*range(10)))
    given = [int(pool.exchange(numbered(number))) for number in range(10, 1010)]
    old = sum(number != new for number, new in zip(given, range(10, 1010), strict=True))
    assert 430 < old < 570
    assert sorted([*given, *(int(image) for image in pool.images)]) == list(range(1010))


def test_a_pool_keeps_copies_without_gradient():
    pool = ImagePool(2)
    image = torch.ones(1, 3, requires_grad=True)
    out = pool.exchange(2 * image)
    assert not out.requires_grad
    out.zero_()
    assert pool.images[0].sum() == 6


def test_the_pools_survive_a_checkpoint(simple, batch, least_squares):
    objective = CycleGANObjective(WEIGHTS, adversarial=least_squares, pool_size=3)
    _, images = objective.generator_step(simple, batch)
    objective.discriminator_step(simple, batch, images)
    other = CycleGANObjective(WEIGHTS, adversarial=least_squares, pool_size=3)
    other.load_state_dict(objective.state_dict())
    for name, pool in objective.pools.items():
        assert len(pool.images) == 2
        for mine, theirs in zip(pool.images, other.pools[name].images, strict=True):
            assert torch.equal(mine, theirs)


def test_a_negative_pool_is_refused():
    with pytest.raises(ValueError, match="0 images or more, got -1"):
        ImagePool(-1)
