"""Training of a single network, such as DnCNN, on true pairs."""

from collections.abc import Mapping

from torch.nn.functional import mse_loss

from monai_unsup_denoise.losses.objective import Images, Networks, Objective, Terms, check_weights


class RegressionObjective(Objective):
    """Mean squared error of the ``denoiser``'s output; ``noisy`` and ``clean`` show the same anatomy.

    ``weights`` has one number, for ``reconstruction``.
    """

    TERMS = ("reconstruction",)

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = check_weights(weights, self.TERMS)

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """The squared error and the denoised images."""
        pred = networks["denoiser"](batch["noisy"])
        return {"reconstruction": mse_loss(pred.float(), batch["clean"])}, {"pred": pred.detach()}
