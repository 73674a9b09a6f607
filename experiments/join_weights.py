"""Make the bundle's model of three files of weights: for white noise, for all other noise, and of the noise encoder.

    python -m experiments.join_weights --white a.pt --denoiser b.pt --noise-encoder c.pt --output model.pt

Any of them may be such a joined model, of which the part is taken: so one part can be replaced. All but the part for
white noise are stored in half precision, for the size.
"""

import argparse
from pathlib import Path

import torch

from monai_unsup_denoise.files import atomic_write
from monai_unsup_denoise.inference.weights import read_weights

_SOURCE = "train it first (docs of the bundle: training of the weights)"
_WHITE = "white."  # of the names of the part for white noise
_SMALL = 10  # entries: scales and biases of the noise code stay in full precision


def main() -> None:
    """Read three files, write one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name in ("white", "denoiser", "noise-encoder", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    white, denoiser, reader = (
        read_weights(path, source=_SOURCE) for path in (options.white, options.denoiser, options.noise_encoder)
    )
    with atomic_write(options.output) as partial:
        torch.save(join_weights(white, denoiser, reader), partial)


def join_weights(
    white: dict[str, torch.Tensor], denoiser: dict[str, torch.Tensor], reader: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The state of a ``PhysicsGuidedDenoiser`` with a part for white noise.

    ``white`` is that of a ``LevelGuidedDenoiser``, or of a network with such a part; the others are those of a
    ``PhysicsGuidedDenoiser``: of ``reader`` the noise encoder and the noise level are taken, of ``denoiser`` all else.
    """
    part = {name.removeprefix(_WHITE): value for name, value in white.items() if name.startswith(_WHITE)}
    read = {name: value for name, value in reader.items() if name.startswith(("noise_encoder.", "noise_level."))}
    other = ("noise_encoder.", "noise_level.", _WHITE)
    rest = {name: value for name, value in denoiser.items() if not name.startswith(other)}
    halved = {name: value.half() if value.numel() > _SMALL else value for name, value in (rest | read).items()}
    return halved | {_WHITE + name: value for name, value in (part or white).items()}


if __name__ == "__main__":
    main()
