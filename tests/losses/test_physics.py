"""The physics-guided objective: which term trains which network, and what the likelihood finds."""

import pytest
import torch
from scipy.stats import rice
from torch import nn

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.losses import PhysicsObjective
from monai_unsup_denoise.losses.physics import mean_log_likelihood

WEIGHTS = dict.fromkeys(PhysicsObjective.TERMS, 1.0)


class Pass(nn.Module):
    """A generator that returns the image of the content, and remembers the code it was given."""

    def forward(self, content, code):
        self.code = code
        return content[0]


@pytest.fixture
def objective(least_squares):
    return PhysicsObjective(WEIGHTS, adversarial=least_squares, prior_fraction=0.0)


def reached(networks) -> set[str]:
    """Networks with a gradient. Those of the noise level count for it alone, not for the generator that holds it."""
    return {
        name
        for name, network in networks.items()
        if name != "generator_low" and any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    }


def test_every_term_is_there_and_finite(physics_networks, batch, objective):
    terms, images = objective.generator_step(physics_networks, batch)
    terms = terms | objective.discriminator_step(physics_networks, batch, images)
    assert sorted(terms) == sorted(PhysicsObjective.TERMS)
    for name, term in terms.items():
        assert term.dim() == 0 and term.isfinite() and term.requires_grad, name


@pytest.mark.parametrize(
    "term, trained",
    [
        ("cycle", {"content_encoder", "generator_high"}),
        ("likelihood", {"noise_encoder", "noise_level"}),
        ("code", {"noise_encoder"}),
        ("kl", {"noise_encoder"}),
        ("adversarial_high", {"content_encoder", "generator_high", "discriminator_high"}),
        ("adversarial_low", {"noise_encoder", "noise_level", "discriminator_low"}),
    ],
)
def test_each_term_trains_just_these_networks(physics_networks, batch, objective, term, trained):
    terms, _ = objective.generator_step(physics_networks, batch)
    terms[term].backward()
    assert reached(physics_networks) == trained


@pytest.mark.parametrize("name", ["high", "low"])
def test_each_discriminator_s_term_trains_it_alone(physics_networks, batch, objective, name):
    _, images = objective.generator_step(physics_networks, batch)
    objective.discriminator_step(physics_networks, batch, images)[f"discriminator_{name}"].backward()
    assert reached(physics_networks) == {f"discriminator_{name}"}


def test_the_code_term_pulls_the_code_of_fakel_to_the_sampled_code_it_was_made_with(physics_networks, batch, objective):
    given = []
    physics_networks["generator_low"].register_forward_pre_hook(lambda _, inputs: given.append(inputs[1]))
    physics_networks["noise_encoder"].log_variance_bias.data.zero_()
    encoder = physics_networks["noise_encoder"]
    terms, images = objective.generator_step(physics_networks, batch)
    again, _ = encoder(images["fake_low"])
    expected = (again - given[0].detach()).square().mean()  # pulls the code of fakel, not the one it was made with
    torch.testing.assert_close(terms["code"], expected)
    for ours, theirs in zip(
        torch.autograd.grad(terms["code"], encoder.mean_weight),
        torch.autograd.grad(expected, encoder.mean_weight),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_the_cycle_is_the_distance_of_the_denoised_fake_to_the_clean_image(physics_networks, batch, objective):
    physics_networks["generator_high"] = Pass()
    terms, images = objective.generator_step(physics_networks, batch)
    torch.testing.assert_close(terms["cycle"], (images["fake_low"] - batch["clean"]).abs().mean())
    torch.testing.assert_close(images["pred"], batch["noisy"])


def test_the_likelihood_is_that_of_scipy(physics_networks, batch, objective):
    physics_networks["generator_high"] = Pass()
    physics_networks["noise_level"].slope.data.zero_()
    terms, _ = objective.generator_step(physics_networks, batch)
    low = batch["noisy"].double().numpy()
    assert terms["likelihood"].item() == pytest.approx(-rice.logpdf(low, low / 0.1, scale=0.1).mean(), rel=1e-5)


def test_with_the_truth_for_fakeh_the_likelihood_is_best_at_the_true_sigma(physics_networks, objective):
    clean, truth = torch.rand(2, 3, 64, 64), 0.12
    batch = {"noisy": add_rician_noise(clean, truth), "clean": clean}

    class Oracle(nn.Module):
        def forward(self, content, code):
            return clean

    physics_networks["generator_high"] = Oracle()
    physics_networks["noise_level"].slope.data.zero_()
    candidates = truth * torch.tensor([0.5, 0.8, 0.9, 0.95, 1.0, 1.05, 1.1, 1.25, 2.0])
    values = []
    for sigma in candidates:
        physics_networks["noise_level"].offset.data.copy_(sigma.log())
        values.append(objective.generator_step(physics_networks, batch)[0]["likelihood"].item())
    assert candidates[values.index(min(values))].item() == pytest.approx(truth, rel=0.051)


@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_the_prior_has_its_share_of_the_codes(physics_networks, least_squares, fraction):
    items = 400
    batch = {"noisy": torch.rand(items, 3, 16, 16), "clean": torch.rand(items, 3, 16, 16)}
    encoder = physics_networks["noise_encoder"]
    encoder.log_variance_bias.data.fill_(-80.0)
    encoder.log_variance_weight.data.zero_()
    physics_networks["generator_low"] = Pass()
    objective = PhysicsObjective(WEIGHTS, adversarial=least_squares, prior_fraction=fraction)
    with torch.no_grad():
        objective.generator_step(physics_networks, batch)
        own, _ = encoder(batch["noisy"])
    code = physics_networks["generator_low"].code
    drawn = ~torch.isclose(code, own).squeeze(1)
    assert drawn.float().mean().item() == pytest.approx(fraction, abs=0.0 if fraction != 0.5 else 0.1)
    if fraction == 1:
        assert code.mean().item() == pytest.approx(0, abs=0.15)
        assert code.std().item() == pytest.approx(1, abs=0.15)


def test_the_denoiser_is_given_the_mean_of_the_code_and_not_a_sample(physics_networks, batch, objective):
    physics_networks["noise_encoder"].log_variance_bias.data.zero_()
    physics_networks["generator_high"] = high = Pass()
    codes = []
    high.register_forward_hook(lambda *_: codes.append(high.code))
    with torch.no_grad():
        _, images = objective.generator_step(physics_networks, batch)
        of_low, _ = physics_networks["noise_encoder"](batch["noisy"])
        of_fake, _ = physics_networks["noise_encoder"](images["fake_low"])
    torch.testing.assert_close(codes[0], of_low)
    torch.testing.assert_close(codes[1], of_fake)


def test_images_carry_no_gradient(physics_networks, batch, objective):
    _, images = objective.generator_step(physics_networks, batch)
    assert set(images) == {"pred", "fake_low"}
    assert not any(image.requires_grad for image in images.values())


def test_voxels_that_a_mask_set_to_zero_do_not_count_in_the_likelihood() -> None:
    clean, sigma = torch.full((2, 1, 16, 16), 0.5), torch.tensor([0.1, 0.2])
    noisy = add_rician_noise(clean, 0.1)
    masked = torch.nn.functional.pad(noisy, [0, 16])
    wider = torch.nn.functional.pad(clean, [0, 16])
    torch.testing.assert_close(mean_log_likelihood(masked, wider, sigma), mean_log_likelihood(noisy, clean, sigma))


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_the_denoiser_sees_air_set_to_zero_in_the_wanted_share_of_the_noisy_images(
    physics_networks, batch, least_squares, fraction
):
    seen = []
    physics_networks["content_encoder"].register_forward_pre_hook(lambda _, images: seen.append(images[0]))
    batch["clean"][..., :10] = 0
    objective = PhysicsObjective(WEIGHTS, adversarial=least_squares, masked_fraction=fraction)
    _, images = objective.generator_step(physics_networks, batch)
    given = seen[-1]
    assert (given[..., :8] == 0).all() == bool(fraction)
    assert torch.equal(given[..., 12:], images["fake_low"][..., 12:])
