"""Training on true pairs: the supervised counterpart of the unpaired methods, an upper bound."""

from collections.abc import Mapping, Sequence

from torch.nn.functional import mse_loss

from monai_unsup_denoise.losses.noise_codes import draw_codes, mean_code
from monai_unsup_denoise.losses.objective import (
    Images,
    Networks,
    Objective,
    Terms,
    check_weights,
    denoiser_of,
    noise_generator_of,
)
from monai_unsup_denoise.losses.relative_error import relative_root_mean_square


class PairedObjective(Objective):
    """``G_H(E^c(l), E^n(l))``, equation (12), regressed onto the clean image of the same anatomy.

    ``G_L`` makes ``l`` of the clean image, by noise whose code is known. The denoiser gets that code, and ``E^n`` is
    regressed onto it.

    Networks: ``denoiser`` (`TrainableNetwork`), ``generator_low``.

    Args:
        weights: one number for each of ``TERMS``.
        levels: lowest and highest sigma, in units of the reference intensity; log-uniform between them.
    """

    TERMS = ("reconstruction", "code")

    def __init__(self, weights: Mapping[str, float], *, levels: Sequence[float]) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.levels = levels

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The relative error of the image, and the squared error of the code."""
        denoiser, clean = denoiser_of(networks), batch["clean"]
        noisy, code, sigma = noise_generator_of(networks).corrupt(clean, draw_codes(denoiser, self.levels, like=clean))
        pred = denoiser(noisy, code)
        found, _ = denoiser.noise_encoder(noisy)
        terms = {
            "reconstruction": relative_root_mean_square(pred, clean, sigma),
            "code": mse_loss(found, mean_code(code)),
        }
        return terms, {"pred": pred.detach()}
