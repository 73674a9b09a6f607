"""The trainer: who moves in which half-step, and what it reports."""

import copy
import math
from functools import partial

import pytest
import torch
from ignite.engine import Events
from monai.data import MetaTensor
from monai.engines.utils import IterationEvents

from monai_unsup_denoise.training.trainer import prepare_unpaired_batch

SIDES = {
    "generator": {"content_encoder", "noise_encoder", "denoiser", "generator_high", "generator_low"},
    "discriminator": {"discriminator_high", "discriminator_low"},
}


def moved(before, networks) -> set[str]:
    """Names of the networks with a parameter that is not what it was."""
    return {
        name
        for name, network in networks.items()
        for new, old in zip(network.parameters(), before[name].parameters(), strict=True)
        if not torch.equal(new, old)
    }


def with_parameters(networks) -> set[str]:  # the Rician generator has nothing to learn
    return {name for name, network in networks.items() if [*network.parameters()]}


@pytest.mark.parametrize("method", ["paper", "physics"])
@pytest.mark.parametrize("side", SIDES)
def test_each_half_step_moves_its_own_networks_and_all_of_them(make_trainer, request, method, side):
    networks, objective = request.getfixturevalue(method)
    before = copy.deepcopy(networks)
    rates = {"lr": 0.0, "discriminator_lr": 0.0} | {"lr" if side == "generator" else "discriminator_lr": 0.01}
    make_trainer(networks=networks, objective=objective, **rates).run()
    assert moved(before, networks) == SIDES[side] & with_parameters(networks)


def test_a_half_step_s_gradient_stays_out_of_the_other_side(make_trainer):
    # The judge's term runs through the generator; the decoy's through the discriminator.
    trainer = make_trainer()
    seen = []

    def look(engine):
        # The generator's gradient is not cleared between the half-steps: the discriminator's may not add to it.
        seen.append({name: p.grad for name, p in engine.networks.named_parameters()})

    trainer.add_event_handler(IterationEvents.BACKWARD_COMPLETED, look)
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: engine.terminate())
    copies = []
    trainer.add_event_handler(
        IterationEvents.BACKWARD_COMPLETED,
        lambda engine: copies.append(engine.networks["generator"].weight.grad.clone()),
    )
    trainer.run()
    generator, discriminator = seen
    assert generator["discriminator.weight"] is None
    assert discriminator["discriminator.weight"] is not None
    assert torch.equal(copies[0], copies[1])
    assert all(p.requires_grad for p in trainer.networks.parameters())


def test_the_adversarial_gradient_reaches_the_generator(make_trainer, paper):
    networks, objective = paper
    objective.weights = dict.fromkeys(objective.weights, 0.0) | {"adversarial_high": 1.0}
    before = copy.deepcopy(networks)
    make_trainer(networks=networks, objective=objective, discriminator_lr=0.0).run()
    assert moved(before, networks) >= {"generator_high", "content_encoder"}
    assert not moved(before, networks) & (SIDES["discriminator"] | {"generator_low"})


def test_the_loss_is_the_weighted_sum_of_the_terms_in_the_output(make_trainer):
    trainer = make_trainer(lr=0.0, discriminator_lr=0.0)
    outputs = []
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: outputs.append(engine.state.output))
    trainer.run()
    assert len(outputs) == 3
    for output in outputs:
        assert len(output) == 2, "one dictionary for each item of the batch"
        for item in output:
            assert set(item) == {"image", "pred", "loss", "fit", "decoy", "judge"}
            assert item["image"].shape == item["pred"].shape == (1, 16, 16)
            assert float(item["loss"]) == pytest.approx(float(item["fit"] + 2 * item["decoy"]), rel=1e-5)
            assert not any(torch.as_tensor(value).requires_grad for value in item.values())


@pytest.mark.parametrize("method", ["paper", "physics"])
def test_all_terms_of_a_method_are_in_the_output_and_finite(make_trainer, request, method):
    networks, objective = request.getfixturevalue(method)
    trainer = make_trainer(networks=networks, objective=objective, lr=1e-3, discriminator_lr=1e-3)
    trainer.run()
    (item, _) = trainer.state.output
    assert set(item) == {"image", "pred", "loss", *objective.weights}
    assert all(math.isfinite(float(item[name])) for name in ("loss", *objective.weights))


def test_training_lowers_the_loss(make_trainer, two_terms):
    two_terms.weights = {"fit": 1.0, "decoy": 0.0, "judge": 0.0}
    trainer = make_trainer(objective=two_terms, max_epochs=20)
    losses = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: losses.append(float(engine.state.output[0]["loss"]))
    )
    trainer.run()
    assert len(losses) == 60
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])


def test_the_events_of_monai_fire_in_their_order(make_trainer):
    trainer = make_trainer()
    fired = []
    for event in IterationEvents:
        if event not in (IterationEvents.INNER_ITERATION_STARTED, IterationEvents.INNER_ITERATION_COMPLETED):
            trainer.add_event_handler(event, partial(lambda event, _: fired.append(event), event))
    trainer.run()
    step = [IterationEvents.LOSS_COMPLETED, IterationEvents.BACKWARD_COMPLETED]
    once = [IterationEvents.FORWARD_COMPLETED, *step, *step, IterationEvents.MODEL_COMPLETED]
    assert fired == 3 * once


def test_networks_are_in_training_mode(make_trainer):
    trainer = make_trainer()
    trainer.networks.eval()
    trainer.run()
    assert all(network.training for network in trainer.networks.values())


def test_a_parameter_in_no_optimizer_is_an_error(make_trainer):
    networks = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1) for name in ("left", "right")})
    optimizers = {"generator": torch.optim.SGD(networks["left"].parameters(), lr=1)}
    with pytest.raises(ValueError, match="network 'right': each parameter must be in one optimizer, found one in 0"):
        make_trainer(networks=networks, optimizers=optimizers)


def test_a_parameter_in_two_optimizers_is_an_error(make_trainer):
    networks = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1) for name in ("left", "right")})
    optimizers = {
        "generator": torch.optim.SGD(networks.parameters(), lr=1),
        "discriminator": torch.optim.SGD(networks["right"].parameters(), lr=1),
    }
    with pytest.raises(ValueError, match="network 'right': each parameter must be in one optimizer, found one in 2"):
        make_trainer(networks=networks, optimizers=optimizers)


@pytest.mark.parametrize("names", [("discriminator",), ("generator", "critic")])
def test_optimizers_of_other_names_are_an_error(make_trainer, names):
    networks = torch.nn.ModuleDict({name: torch.nn.Linear(1, 1) for name in names})
    optimizers = {name: torch.optim.SGD(networks[name].parameters(), lr=1) for name in names}
    with pytest.raises(ValueError, match="must be named generator"):
        make_trainer(networks=networks, optimizers=optimizers)


@pytest.mark.parametrize("term, side", [("fit", "generator"), ("judge", "discriminator")])
def test_a_loss_that_is_not_finite_stops_the_training(make_trainer, two_terms, term, side):
    two_terms.weights = two_terms.weights | {term: math.nan}
    trainer = make_trainer(objective=two_terms)
    before = copy.deepcopy(trainer.networks[side])
    with pytest.raises(FloatingPointError, match=rf"the {side} loss is not finite in iteration 1 \(.*{term} "):
        trainer.run()
    assert all(torch.equal(a, b) for a, b in zip(before.parameters(), trainer.networks[side].parameters(), strict=True))


@pytest.mark.parametrize("clip", [1e-3, None])
def test_the_gradient_norm_of_each_half_step_is_clipped(make_trainer, clip):
    trainer = make_trainer(gradient_clip=clip, lr=0.0, discriminator_lr=0.0)
    norms = {"generator": [], "discriminator": []}

    def measure(engine):
        for name, network in engine.networks.items():
            if network.weight.grad is not None:
                norms[name].append(math.hypot(*(p.grad.norm().item() for p in network.parameters())))

    trainer.add_event_handler(IterationEvents.BACKWARD_COMPLETED, measure)
    trainer.run()
    assert norms["generator"] and norms["discriminator"]
    for values in norms.values():
        if clip is None:
            assert min(values) > 1e-2
        else:
            assert values == pytest.approx([clip] * len(values), rel=1e-3)


@pytest.mark.parametrize("method", ["paper", "physics"])
def test_autocast_on_the_cpu_keeps_parameters_in_float32(make_trainer, request, method):
    networks, objective = request.getfixturevalue(method)
    before = copy.deepcopy(networks)
    types = []
    encoder = networks["content_encoder"] if method == "paper" else networks["denoiser"].content_encoder
    encoder.register_forward_hook(lambda *hooked: types.append(hooked[2][-1].dtype))
    trainer = make_trainer(networks=networks, objective=objective, autocast=torch.bfloat16, lr=1e-2)
    trainer.run()
    assert set(types) == {torch.bfloat16}
    assert all(p.dtype == torch.float32 and p.isfinite().all() for p in networks.parameters())
    assert moved(before, networks) == with_parameters(networks)
    assert all(math.isfinite(float(trainer.state.output[0][term])) for term in objective.TERMS)
    assert not torch.is_autocast_enabled("cpu")


def test_without_autocast_everything_is_in_single_precision(make_trainer, paper):
    networks, objective = paper
    types = []
    networks["content_encoder"].register_forward_hook(lambda *hooked: types.append(hooked[2][-1].dtype))
    make_trainer(networks=networks, objective=objective, lr=1e-2).run()
    assert set(types) == {torch.float32}


def test_a_method_without_discriminator_has_one_half_step(make_trainer):
    class Fit:
        weights = {"fit": 1.0}

        def generator_step(self, networks, batch):
            pred = networks["generator"](batch["noisy"])
            return {"fit": (pred - batch["clean"]).square().mean()}, {"pred": pred.detach()}

        def discriminator_step(self, networks, batch, images):
            return {}

    networks = torch.nn.ModuleDict({"generator": torch.nn.Conv2d(1, 1, 3, padding=1)})
    optimizers = {"generator": torch.optim.SGD(networks.parameters(), lr=0.1)}
    alone = make_trainer(networks=networks, optimizers=optimizers, objective=Fit())
    alone.run()
    assert set(alone.state.output[0]) == {"image", "pred", "loss", "fit"}

    idle = make_trainer(objective=Fit())
    before = copy.deepcopy(idle.networks)
    idle.run()
    assert moved(before, idle.networks) == {"generator"}


def test_a_batch_reaches_the_device_as_plain_tensors(loader):
    batch = {"noisy": MetaTensor(loader[0]["noisy"]), "clean": loader[0]["clean"], "path": ["a.nii", "b.nii"]}
    out = prepare_unpaired_batch(batch, torch.device("cpu"))
    assert set(out) == {"noisy", "clean"} and {type(value) for value in out.values()} == {torch.Tensor}
    assert torch.equal(out["noisy"], loader[0]["noisy"])


def test_a_disabled_handler_is_left_out(make_trainer):
    seen: list = []

    class Note:
        def attach(self, engine):
            seen.append(engine)

    assert [make_trainer(train_handlers=[None, Note(), None])] == seen
