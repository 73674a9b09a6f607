"""The physics-guided objective: which term trains which network, and what the likelihood finds."""

import pytest
import torch
from scipy.stats import rice
from torch import nn

from monai_unsup_denoise.functional import add_rician_noise, zero_background
from monai_unsup_denoise.losses import ADVERSARIAL_TERMS, PhysicsObjective
from monai_unsup_denoise.losses.physics import mean_log_likelihood
from monai_unsup_denoise.losses.relative_error import relative_root_mean_square

ALL_TERMS = (*PhysicsObjective.TERMS, *ADVERSARIAL_TERMS)
WEIGHTS = dict.fromkeys(ALL_TERMS, 1.0)


class Pass(nn.Module):
    """A generator that returns the image of the content, and remembers the code it was given."""

    def forward(self, content, code):
        self.code = code
        return content[0]


@pytest.fixture
def objective(least_squares):
    return PhysicsObjective(WEIGHTS, adversarial=least_squares, prior_fraction=0.0)


def codes_seen(denoiser: nn.Module) -> list[torch.Tensor]:
    """The codes that the denoiser is given from now on."""
    seen = []
    denoiser.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    return seen


def test_every_term_is_there_and_finite(physics_networks, volumes, objective):
    terms, images = objective.generator_step(physics_networks, volumes)
    terms = terms | objective.discriminator_step(physics_networks, volumes, images)
    assert sorted(terms) == sorted(ALL_TERMS)
    for name, term in terms.items():
        assert term.dim() == 0 and term.isfinite() and term.requires_grad, name


@pytest.mark.parametrize(
    "term, trained",
    [
        ("cycle", {"content_encoder", "generator_high"}),
        ("likelihood", {"noise_encoder"}),
        ("code", {"noise_encoder"}),
        ("kl", {"noise_encoder"}),
        ("adversarial_high", {"content_encoder", "generator_high", "discriminator_high"}),
        ("adversarial_low", {"noise_encoder", "discriminator_low"}),
    ],
)
@pytest.mark.parametrize("variation", [1.0, 2.0])
def test_each_term_trains_just_these_networks(
    physics_networks, volumes, least_squares, reached, term, trained, variation
):
    objective = PhysicsObjective(WEIGHTS, adversarial=least_squares, prior_fraction=0.0, variation=variation)
    terms, _ = objective.generator_step(physics_networks, volumes)
    terms[term].backward()
    assert reached() == trained


@pytest.mark.parametrize("name", ["high", "low"])
def test_each_discriminator_s_term_trains_it_alone(physics_networks, volumes, objective, reached, name):
    _, images = objective.generator_step(physics_networks, volumes)
    objective.discriminator_step(physics_networks, volumes, images)[f"discriminator_{name}"].backward()
    assert reached() == {f"discriminator_{name}"}


def test_the_code_term_pulls_the_code_of_fakel_to_its_own(physics_networks, volumes, objective, made):
    encoder = physics_networks["denoiser"].noise_encoder
    terms, images = objective.generator_step(physics_networks, volumes)
    target, cells = made[0].code.detach(), encoder.cells(images["fake_low"])
    again, of_places = encoder(images["fake_low"])[0], encoder.map_of(cells)
    expected = (again - target).square().mean() + (of_places - target[..., None, None, None]).square().mean()
    torch.testing.assert_close(terms["code"], expected)
    for ours, theirs in zip(
        torch.autograd.grad(terms["code"], encoder.head.weight),
        torch.autograd.grad(expected, encoder.head.weight),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_code_term_of_weight_zero_is_not_computed(physics_networks, volumes):
    objective = PhysicsObjective(dict.fromkeys(PhysicsObjective.TERMS, 1.0) | {"code": 0.0})
    assert set(objective.generator_step(physics_networks, volumes)[0]) == {"cycle", "kl", "likelihood"}


@pytest.mark.parametrize("effects", [{}, {"windows": 1.0, "gain": 1.0}], ids=["white", "scanner noise"])
def test_the_cycle_is_the_relative_error_of_the_denoised_fake(physics_networks, volumes, objective, made, effects):
    physics_networks["denoiser"].generator = Pass()
    physics_networks["generator_low"].effects = effects
    terms, images = objective.generator_step(physics_networks, volumes)
    expected = relative_root_mean_square(made[0].noisy, volumes["clean"], made[0].sigma)
    torch.testing.assert_close(terms["cycle"], expected)
    torch.testing.assert_close(images["fake_high"], volumes["noisy"])


def many_volumes(count: int, *shape: int) -> dict[str, torch.Tensor]:
    return {name: 0.1 + torch.rand(count, 1, *shape) for name in ("noisy", "clean")}


@torch.no_grad()
def test_noise_varies_within_an_image_by_at_most_variation(physics_networks, made):
    objective = PhysicsObjective(dict.fromkeys(PhysicsObjective.TERMS, 1.0), variation=3.0)
    objective.generator_step(physics_networks, many_volumes(100, 4, 4, 4))
    sigma = physics_networks["denoiser"].sigma(made[0].code).flatten(1)
    ratio = sigma.amax(1) / sigma.amin(1)
    assert ratio.max() <= 3.0 * 1.001
    assert ratio.max() > 2.5
    assert ratio.min() < 2


def test_lazy_terms_come_every_interval_and_scaled_by_it(physics_networks, volumes, least_squares):
    lazy = PhysicsObjective(WEIGHTS, adversarial=least_squares, lazy_interval=3)
    of_turn = []
    for _ in range(6):
        torch.manual_seed(0)
        terms, images = lazy.generator_step(physics_networks, volumes)
        of_turn.append(set(terms) | set(lazy.discriminator_step(physics_networks, volumes, images)))
    every = {"cycle", "code", "kl"}
    assert of_turn == [every, every, set(ALL_TERMS)] * 2
    torch.manual_seed(0)
    plain, _ = PhysicsObjective(WEIGHTS, adversarial=least_squares).generator_step(physics_networks, volumes)
    for name in ("likelihood", "adversarial_high", "adversarial_low"):
        torch.testing.assert_close(terms[name], 3 * plain[name])


def test_a_resumed_training_keeps_its_turn(physics_networks, volumes, least_squares):
    first, second = (PhysicsObjective(WEIGHTS, adversarial=least_squares, lazy_interval=2) for _ in range(2))
    first.generator_step(physics_networks, volumes)
    second.load_state_dict(first.state_dict())
    assert "likelihood" in second.generator_step(physics_networks, volumes)[0]


def test_without_an_adversarial_loss_no_discriminator_is_needed(physics_networks, volumes):
    del physics_networks["discriminator_high"], physics_networks["discriminator_low"]
    objective = PhysicsObjective(dict.fromkeys(PhysicsObjective.TERMS, 1.0))
    terms, images = objective.generator_step(physics_networks, volumes)
    assert set(terms) == {"cycle", "code", "kl", "likelihood"}
    assert objective.discriminator_step(physics_networks, volumes, images) == {}


def test_the_likelihood_is_that_of_scipy(physics_networks, volumes, objective):
    physics_networks["denoiser"].generator = Pass()
    physics_networks["denoiser"].noise_level.slope.zero_()
    terms, _ = objective.generator_step(physics_networks, volumes)
    low = volumes["noisy"].double().numpy()
    assert terms["likelihood"].item() == pytest.approx(-rice.logpdf(low, low / 0.1, scale=0.1).mean(), rel=1e-5)


def test_the_likelihood_of_the_truth_is_best_at_the_true_sigma(physics_networks, objective):
    clean, truth = torch.rand(2, 1, 24, 24, 12), 0.12
    volumes = {"noisy": add_rician_noise(clean, truth), "clean": clean}
    denoiser = physics_networks["denoiser"]
    denoiser.working_sigma = None

    class Oracle(nn.Module):
        def forward(self, content, code):
            return clean

    denoiser.generator = Oracle()
    denoiser.noise_level.slope.zero_()
    candidates = truth * torch.tensor([0.5, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 2.0])
    values = []
    for sigma in candidates:
        denoiser.noise_level.offset.copy_(sigma.log())
        values.append(objective.generator_step(physics_networks, volumes)[0]["likelihood"].item())
    assert candidates[values.index(min(values))].item() == pytest.approx(truth, rel=0.051)


@torch.no_grad()
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("levels", [None, (0.01, 0.3)])
def test_the_prior_has_its_share_of_the_codes(physics_networks, made, fraction, levels):
    physics_networks["denoiser"].noise_encoder.forward = lambda image: (
        torch.full((len(image), 5), 50.0),  # far from any prior
        torch.zeros(len(image), 5),
    )
    weights = dict.fromkeys(PhysicsObjective.TERMS, 0.0)
    objective = PhysicsObjective(weights, prior_fraction=fraction, levels=levels, lazy_interval=1000)
    objective.generator_step(physics_networks, many_volumes(400, 4, 4, 4))
    code = made[0].code[:, 0]
    drawn = code < 20
    assert drawn.float().mean().item() == pytest.approx(fraction, abs=0.0 if fraction != 0.5 else 0.1)
    if fraction == 1 and levels is None:
        assert code.mean().item() == pytest.approx(0, abs=0.15)
        assert code.std().item() == pytest.approx(1, abs=0.15)
    elif fraction == 1:
        sigma = physics_networks["denoiser"].sigma(made[0].code)
        assert 0.01 <= sigma.min() < 0.013 and 0.25 < sigma.max() <= 0.3


@torch.no_grad()
@pytest.mark.parametrize("variation", [1.0, 2.0])
@pytest.mark.parametrize("jitter", [0.0, 0.1])
def test_the_denoiser_gets_the_code_of_the_fake_with_code_noise(physics_networks, made, variation, jitter):
    weights, volumes = dict.fromkeys(PhysicsObjective.TERMS, 1.0), many_volumes(100, 4, 4, 4)
    denoiser = physics_networks["denoiser"]
    codes = codes_seen(denoiser)
    PhysicsObjective(weights, variation=variation, code_noise=jitter).generator_step(physics_networks, volumes)
    given, true = codes[0], made[0].code
    torch.testing.assert_close(codes[1], denoiser.encode_noise(volumes["noisy"]))
    levels = (denoiser.sigma(given) / denoiser.sigma(true)).log().reshape(100, -1)
    for errors, expected in ((levels, jitter), ((given - true)[:, 1:].reshape(400, -1), 3 * jitter)):
        torch.testing.assert_close(errors, errors[:, :1].expand_as(errors), atol=1e-5, rtol=0)
        assert errors[:, 0].std().item() == pytest.approx(expected, rel=0.25, abs=1e-5)


def test_images_carry_no_gradient(physics_networks, volumes, objective):
    _, images = objective.generator_step(physics_networks, volumes)
    assert set(images) == {"pred", "fake_low", "fake_high"}
    assert not any(image.requires_grad for image in images.values())


def test_masked_voxels_do_not_count_in_the_likelihood() -> None:
    clean, sigma = torch.full((2, 1, 16, 16), 0.5), torch.tensor([0.1, 0.2])
    noisy = add_rician_noise(clean, 0.1)
    masked = torch.nn.functional.pad(noisy, [0, 16])
    wider = torch.nn.functional.pad(clean, [0, 16])
    torch.testing.assert_close(mean_log_likelihood(masked, wider, sigma), mean_log_likelihood(noisy, clean, sigma))


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_the_wanted_share_of_fakes_has_its_background_masked(physics_networks, volumes, least_squares, fraction):
    seen = []
    physics_networks["denoiser"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    volumes["clean"][:, :, :10] = 0
    objective = PhysicsObjective(WEIGHTS, adversarial=least_squares, masked_fraction=fraction)
    _, images = objective.generator_step(physics_networks, volumes)
    given = seen[0]
    assert (given[:, :, :8] == 0).all() == bool(fraction)
    assert torch.equal(given[:, :, 12:], images["fake_low"][:, :, 12:])


def test_a_fake_is_masked_by_its_own_clean_image_or_kept(physics_networks, objective):
    seen = []
    physics_networks["denoiser"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    volumes = many_volumes(16, 32, 8, 8)
    for index, image in enumerate(volumes["clean"]):
        image[:, : 8 + index] = 0
    _, images = objective.generator_step(physics_networks, volumes)
    fakes = images["fake_low"]
    was_kept = (seen[0] == fakes).flatten(1).all(1)
    was_masked = (seen[0] == zero_background(fakes, volumes["clean"])).flatten(1).all(1)
    assert was_kept.any() and was_masked.any() and (was_kept ^ was_masked).all()
