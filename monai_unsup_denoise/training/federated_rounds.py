"""A training as one site of a federated training: each epoch is a round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines import Evaluator
from torch import nn

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.extras import require
from monai_unsup_denoise.training.weight_average import WeightAverage


@dataclass(eq=False)
class FederatedRounds:
    """Take the global weights at the start of each epoch, validate them, and return what the epoch makes of them.

    Federated averaging (McMahan et al. 2017, algorithm 1) with NVFlare's Client API. What leaves the site: the weights
    of ``names``, the validation metric of the global weights, and the number of steps. Other networks, such as
    discriminators, and the state of the optimizers stay.

    Attributes:
        networks: of the training, by name.
        names: of those that are exchanged.
        average: its weights become the global ones too: they are validated, and kept if they are the best so far.
        evaluator: validates, on the same phantoms at every site.
        metric: of the evaluator; higher is better.

    Raises:
        InputError: in a round, if the weights received are of other networks, or not finite.
    """

    networks: Mapping[str, nn.Module]
    names: Sequence[str]
    _: KW_ONLY
    average: WeightAverage
    evaluator: Evaluator
    metric: str = "psnr"

    def __post_init__(self) -> None:
        require("nvflare", extra="federated")
        self.value = 0.0

    def attach(self, engine: Engine) -> None:
        """Connect to NVFlare. Attach it after the handlers that seed an epoch, and before those that store one."""
        import nvflare.client as flare

        # Not earlier: MONAI lists the modules for its first component, and NVFlare's threads import more of them.
        flare.init()
        engine.add_event_handler(Events.EPOCH_STARTED, self.receive)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.send)
        engine.add_event_handler(Events.COMPLETED, self.evaluate_last)

    def receive(self, engine: Engine) -> None:
        """Start the round from the global weights; without any, the training is over."""
        import nvflare.client as flare

        model = flare.receive()
        if model is None:
            engine.terminate()
        else:
            self.value = self._evaluate(model.params, engine.state.epoch)

    def send(self, engine: Engine) -> None:
        """Return the weights of this round."""
        import nvflare.client as flare

        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self._shared().state_dict().items()}
        steps = {"NUM_STEPS_CURRENT_ROUND": engine.state.epoch_length}
        flare.send(flare.FLModel(params=weights, metrics={self.metric: self.value}, meta=steps))

    def evaluate_last(self, engine: Engine) -> None:
        """Validate what the last round has made of the weights of all sites, until the job ends."""
        import nvflare.client as flare

        # NVFlare ends the process while it waits. The training is complete by then: its handlers must still run.
        with suppress(KeyboardInterrupt):
            while (model := flare.receive()) is not None:
                value = self._evaluate(model.params, engine.state.epoch + 1)
                flare.send(flare.FLModel(metrics={self.metric: value}))

    def _shared(self) -> nn.ModuleDict:
        return nn.ModuleDict({name: self.networks[name] for name in self.names})

    def _evaluate(self, weights: Mapping[str, Any], epoch: int) -> float:
        load_received(self._shared(), weights)
        self.average.module.load_state_dict(self.average.source[0].state_dict())
        self.evaluator.run(epoch)
        return float(self.evaluator.state.metrics[self.metric])


def load_received(networks: nn.Module, weights: Mapping[str, Any]) -> None:
    """Load weights that came over the network; all of them, or none.

    Args:
        networks: whose state dictionary they are.
        weights: tensors or arrays, by the names of that dictionary.

    Raises:
        InputError: if names or shapes differ, or a value is not finite.
    """
    expected = networks.state_dict()
    if weights.keys() != expected.keys():
        odd = sorted(weights.keys() ^ expected.keys())
        raise InputError(f"global weights: {odd[0]} is not in both models; all sites need the same version and configs")
    tensors = {name: torch.as_tensor(value) for name, value in weights.items()}
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            here, there = tuple(expected[name].shape), tuple(tensor.shape)
            raise InputError(f"global weights: {name} is {there}, here {here}; all sites need the same settings")
        if not torch.isfinite(tensor).all():
            raise InputError(f"global weights: {name} is not finite; start again from an earlier round")
    networks.load_state_dict(tensors)
