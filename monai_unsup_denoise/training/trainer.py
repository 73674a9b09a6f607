"""One trainer for every training method."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from ignite.engine import Engine
from monai.engines import Trainer
from monai.engines.utils import IterationEvents
from monai.inferers import Inferer, SimpleInferer
from monai.utils.enums import CommonKeys
from torch import nn
from torch.optim import Optimizer

from monai_unsup_denoise.losses import Objective


class UnpairedTrainer(Trainer):
    """Trains named networks with named optimizers on any objective.

    An iteration is two half-steps, generator and discriminator. In each, only the parameters of the optimizer of that
    name receive gradients. Without an optimizer named ``discriminator``, or terms for it, there is one half-step.

    ``engine.state.output`` holds ``loss`` (of the generator half-step), every term by its name, ``image`` and ``pred``.

    Args:
        train_data_loader: yields dictionaries with ``noisy`` and ``clean``, each ``(B, C, *spatial)``.
        networks: by the names that the objective uses.
        optimizers: ``generator``, and ``discriminator`` where the objective has one.
        autocast: dtype of mixed precision on CPU or CUDA, such as ``torch.bfloat16``; None for float32.
        gradient_clip: largest gradient norm of a half-step; None for no limit.
        inferer: MONAI's tools expect one in a bundle; objectives call the networks themselves.
        train_handlers: MONAI and Ignite handlers, attached in this order; None, for a disabled one, is left out.

    Raises:
        ValueError: if ``optimizers`` has other names, or a network's parameter is in no optimizer, or in two.
        FloatingPointError: while training, when a loss is not finite.
    """

    def __init__(
        self,
        device: torch.device | str,
        max_epochs: int,
        train_data_loader: Iterable,
        *,
        networks: Mapping[str, nn.Module],
        optimizers: Mapping[str, Optimizer],
        objective: Objective,
        autocast: torch.dtype | None = None,
        gradient_clip: float | None = None,
        inferer: Inferer | None = None,
        train_handlers: Sequence | None = None,
    ) -> None:
        if not {"generator"} <= set(optimizers) <= {"generator", "discriminator"}:
            raise ValueError(
                f"`optimizers` must be named generator and, maybe, discriminator; got {sorted(optimizers)}"
            )
        owners = Counter(id(parameter) for optimizer in optimizers.values() for parameter in _parameters(optimizer))
        for name, network in networks.items():
            for found in {owners[id(parameter)] for parameter in network.parameters()} - {1}:
                raise ValueError(f"network {name!r}: each parameter must be in one optimizer, found one in {found}")
        self.networks = networks
        self.optimizers = optimizers
        self.objective = objective
        self.autocast = autocast
        self.gradient_clip = gradient_clip
        self.inferer = SimpleInferer() if inferer is None else inferer
        super().__init__(
            device=device,
            max_epochs=max_epochs,
            data_loader=train_data_loader,
            handlers=[handler for handler in train_handlers or () if handler is not None],
        )

    def _iteration(self, engine: Engine, batchdata: dict[str, torch.Tensor]) -> dict:
        batch = prepare_unpaired_batch(batchdata, self.state.device)
        for network in self.networks.values():
            network.train()

        with self._half_step("generator"):
            terms, images = self.objective.generator_step(self.networks, batch)
            self.state.output = {CommonKeys.IMAGE: batch["noisy"], CommonKeys.PRED: images["pred"]}
            self.fire_event(IterationEvents.FORWARD_COMPLETED)
            self.state.output[CommonKeys.LOSS] = self._minimise("generator", terms)

        if "discriminator" in self.optimizers:
            with self._half_step("discriminator"):
                terms = self.objective.discriminator_step(self.networks, batch, images)
                if terms:
                    self._minimise("discriminator", terms)

        self.fire_event(IterationEvents.MODEL_COMPLETED)
        return self.state.output

    @contextmanager
    def _half_step(self, name: str) -> Iterator[None]:
        """Gradients for the parameters of one optimizer alone, under autocast."""
        others = [p for key, optimizer in self.optimizers.items() if key != name for p in _parameters(optimizer)]
        for parameter in others:
            parameter.requires_grad_(False)
        try:
            with torch.autocast(self.state.device.type, self.autocast, enabled=self.autocast is not None):
                yield
        finally:
            for parameter in others:
                parameter.requires_grad_(True)

    def _minimise(self, name: str, terms: dict[str, torch.Tensor]) -> torch.Tensor:
        """One step of one optimizer on the weighted sum of the terms; records the terms."""
        loss = torch.stack([self.objective.weights[term] * value.float() for term, value in terms.items()]).sum()
        if not torch.isfinite(loss):
            values = ", ".join(f"{term} {value.item():.4g}" for term, value in terms.items())
            raise FloatingPointError(
                f"the {name} loss is not finite in iteration {self.state.iteration} ({values}); "
                "lower the learning rate or the weight of the term that is not"
            )
        self.fire_event(IterationEvents.LOSS_COMPLETED)
        optimizer = self.optimizers[name]
        optimizer.zero_grad()
        loss.backward()
        average_gradients(_parameters(optimizer))
        if self.gradient_clip is not None:
            nn.utils.clip_grad_norm_(_parameters(optimizer), self.gradient_clip)
        self.fire_event(IterationEvents.BACKWARD_COMPLETED)
        optimizer.step()
        self.state.output |= {term: value.detach() for term, value in terms.items()}
        return loss.detach()


def existing(handler: Any) -> Any:
    """``handler`` itself, for a config's list of handlers: MONAI's checks want a dictionary there, not a reference."""
    return handler


def prepare_unpaired_batch(batch: Mapping[str, Any], device: torch.device | str | None) -> dict[str, torch.Tensor]:
    """The tensors of a training batch (``noisy``, ``clean``, maybe ``sigma``) on ``device``, without metadata."""
    tensors = {key: value for key, value in batch.items() if isinstance(value, torch.Tensor)}
    return {key: value.as_subclass(torch.Tensor).to(device) for key, value in tensors.items()}


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Average the gradients over all processes of a distributed training; without one, do nothing.

    ``DistributedDataParallel`` wants a single forward pass; a half-step calls some networks twice, and others never.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, mean in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = mean.view_as(parameter)


def _parameters(optimizer: Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
