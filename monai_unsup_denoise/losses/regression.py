"""Training of a single network, such as DnCNN, on true pairs."""

from __future__ import annotations

from collections.abc import Mapping

from torch.nn.functional import mse_loss

from monai_unsup_denoise.losses.objective import Images, Networks, Terms, check_weights


class RegressionObjective:
    """The denoised image regressed onto the clean one of the same anatomy by the mean squared error.

    The batch holds ``noisy`` and ``clean`` of the same anatomy; the network is called ``denoiser``.

    Args:
        weights: one number, for ``reconstruction``.
    """

    TERMS = ("reconstruction",)

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = check_weights(weights, self.TERMS)

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The squared error, mean over voxels."""
        pred = networks["denoiser"](batch["noisy"])
        return {"reconstruction": mse_loss(pred.float(), batch["clean"])}, {"pred": pred.detach()}

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """No terms: there are no discriminators."""
        return {}
