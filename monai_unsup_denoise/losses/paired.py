"""Training on true pairs: the upper bound that unpaired methods are measured against."""

from __future__ import annotations

from collections.abc import Mapping

from torch.nn.functional import l1_loss, mse_loss

from monai_unsup_denoise.losses.objective import Images, Networks, Terms, check_weights


class PairedObjective:
    """``G_H(E^c(l), E^n(l))``, equation (12), regressed onto the clean image of the same anatomy.

    The batch holds ``noisy`` and ``clean`` of the same anatomy, and ``sigma``, the noise level that was used, which
    the noise code is told.

    Args:
        weights: one number for each of ``reconstruction, noise_level``.
    """

    TERMS = ("reconstruction", "noise_level")

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = check_weights(weights, self.TERMS)

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """L1 to the clean image, and the squared error of log sigma."""
        code, _ = networks["noise_encoder"](batch["noisy"])
        pred = networks["generator_high"](networks["content_encoder"](batch["noisy"]), code.detach())
        sigma = networks["noise_level"](code)
        terms = {
            "reconstruction": l1_loss(pred.float(), batch["clean"]),
            "noise_level": mse_loss(sigma.log(), batch["sigma"].reshape(-1).clamp(min=1e-4).log()),
        }
        return terms, {"pred": pred.detach()}

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """Nothing: there are no discriminators."""
        return {}
