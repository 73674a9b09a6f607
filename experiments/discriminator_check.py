"""Are discriminators of the published method blind? Each is trained alone to tell noisy patches from clean ones.

    python -m experiments.discriminator_check --output docs/discriminators.csv

takes the patches of `train_paper.json` and writes the least-squares loss of each variant, the mean over ten batches. It
is 0.25 where a discriminator sees nothing, and 0 where it sees all (about three minutes on one core).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import torch
from monai.bundle import ConfigParser
from monai.losses import PatchAdversarialLoss
from monai.networks.nets import PatchDiscriminator
from monai.utils import set_determinism
from torch import Tensor, nn

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.cli.run_bundle import config_files
from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.losses.adversarial import discriminator_loss
from monai_unsup_denoise.networks import NoiseDiscriminator
from monai_unsup_denoise.training.trainer import prepare_unpaired_batch

VARIANTS: dict[str, Callable[[], nn.Module]] = {
    "MONAI's, instance normalisation": lambda: PatchDiscriminator(2, 32, 1, num_layers_d=2, norm="INSTANCE"),
    "MONAI's, no normalisation": lambda: PatchDiscriminator(2, 32, 1, num_layers_d=2, norm=None),
    "shown the local noise energy": lambda: NoiseDiscriminator(2, 1, channels=32, num_layers_d=2),
}
LEARNING_RATES = (0.0002, 0.001)
_TOGETHER = 10  # losses of which the mean is written


def main() -> None:
    """Train every variant on the same batches and write a CSV file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("docs/discriminators.csv"), help="CSV file to write")
    parser.add_argument("--batches", type=int, default=60, help="number of batches, a multiple of 10")
    options = parser.parse_args()
    batches = patches_of_the_published_training(options.batches)
    table = pd.concat(measure(name, make, rate, batches) for name, make in VARIANTS.items() for rate in LEARNING_RATES)
    with atomic_write(options.output) as partial:
        table.to_csv(partial, index=False)
    print(discriminator_table(table))


def discriminator_table(results: pd.DataFrame) -> str:
    """A Markdown table of the losses at the higher learning rate."""
    chosen = results[(results.learning_rate == LEARNING_RATES[1]) & (results.batches % 20 == 0)]
    losses = chosen.pivot_table(index="discriminator", columns="batches", values="loss", sort=False)
    first, *others = losses.columns
    heads = [f"after {first} batches", *(f"after {number}" for number in others)]
    lines = ["| discriminator | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]
    lines += [f"| {name} | " + " | ".join(f"{loss:.2f}" for loss in row) + " |" for name, *row in losses.itertuples()]
    return "\n".join(lines) + "\n"


def patches_of_the_published_training(count: int) -> list[dict[str, Tensor]]:
    """The first batches of `train_paper.json`: ``noisy`` and ``clean``, each ``(B, 1, H, W)``."""
    config = ConfigParser()
    config.read_config(config_files(["train_paper.json"]))
    config["bundle_root"], config["progress"] = str(bundle_folder()), False
    set_determinism(0)
    loader = iter(config.get_parsed_content("train#dataloader"))
    return [prepare_unpaired_batch(next(loader), "cpu") for _ in range(count)]


def measure(
    name: str, make: Callable[[], nn.Module], rate: float, batches: Iterable[dict[str, Tensor]]
) -> pd.DataFrame:
    """Loss of a new discriminator after each ten batches: ``discriminator, learning_rate, batches, loss``."""
    torch.manual_seed(0)
    discriminator = make()
    optimizer = torch.optim.Adam(discriminator.parameters(), rate, betas=(0.5, 0.999))
    least_squares = PatchAdversarialLoss(criterion="least_squares", no_activation_leastsq=True)
    losses = []
    for batch in batches:
        loss = discriminator_loss(least_squares, discriminator, real=batch["clean"], fake=batch["noisy"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    rows = [
        (name, rate, stop, round(sum(losses[stop - _TOGETHER : stop]) / _TOGETHER, 4))
        for stop in range(_TOGETHER, len(losses) + 1, _TOGETHER)
    ]
    return pd.DataFrame(rows, columns=["discriminator", "learning_rate", "batches", "loss"])


if __name__ == "__main__":
    main()
