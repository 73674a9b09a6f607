"""The published method with two terms of its relatives."""

from monai_unsup_denoise.losses.low_pass import low_pass_loss
from monai_unsup_denoise.losses.objective import Images, Networks, Terms
from monai_unsup_denoise.losses.paper import PaperObjective, Translated
from monai_unsup_denoise.losses.self_reconstruction import self_reconstruction


class PaperPlusObjective(PaperObjective):
    """`PaperObjective` with `self_reconstruction` and `low_pass_loss`.

    The third term of its relatives, a perceptual loss of the output with its own input, is a choice of the two images:
    ``perceptual_pair=("fakeh", "l")``.
    """

    TERMS = (*PaperObjective.TERMS, "self_reconstruction", "low_pass")

    def generator_terms(self, networks: Networks, batch: Images, made: Translated) -> Terms:
        """The terms of equation (11), and two more."""
        low, high = batch["noisy"], batch["clean"]
        return super().generator_terms(networks, batch, made) | {
            "self_reconstruction": self_reconstruction(
                high, made.content_high, networks["noise_encoder"], networks["generator_high"]
            ),
            "low_pass": low_pass_loss(made.fake_high, low, made.fake_low, high),
        }
