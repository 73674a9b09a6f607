"""The published method, equations (2) to (11).

F. Tang, Y. Fu, Y. Li (2021). An Unsupervised Deep Learning Method for MRI Image Denoising
(基于深度学习的无监督磁共振图像去噪方法). Computer Science and Application 11(5). doi 10.12677/CSA.2021.115129

Related methods, with settings that the paper leaves open:
W. Du, H. Chen, H. Yang (2020). Learning Invariant Representation for Unsupervised Image Restoration (LIR). CVPR.
B. Lu, J.-C. Chen, R. Chellappa (2019). Unsupervised Domain-Specific Deblurring via Disentangled Representations. CVPR.
H.-Y. Lee et al. (2018). Diverse Image-to-Image Translation via Disentangled Representations (DRIT). ECCV.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import l1_loss

from monai_unsup_denoise.losses.adversarial import AdversarialLoss, discriminator_terms, generator_loss
from monai_unsup_denoise.losses.kl_divergence import kl_divergence, sample_code
from monai_unsup_denoise.losses.objective import ADVERSARIAL_TERMS, Images, Networks, Terms, check_weights


class Translated(NamedTuple):
    """What the networks make of a batch: the code of ``l``, the content of ``h``, and images by their equations."""

    mean: Tensor
    log_variance: Tensor
    content_high: list[Tensor]
    fake_high: Tensor
    fake_low: Tensor
    fake_high_again: Tensor
    fake_low_again: Tensor


class PaperObjective:
    """Disentangled representation with KL, adversarial, cycle and perceptual losses, trained without pairs.

    ``l`` is a noisy image, ``h`` a clean one of another anatomy. Equation numbers are those of the paper.

    Args:
        weights: one number for each of ``TERMS``: lambda of equation (11).
        adversarial: adversarial loss, called as MONAI's ``PatchAdversarialLoss``.
        perceptual: distance of two images in the features of a pretrained network, ``|| phi(a) - phi(b) ||_2^2``.
        perceptual_pair: names of the two images that equation (10) compares. As printed it is ``("fakel", "l")``,
            which are two anatomies; Lu et al. compare ``("fakeh", "l")``.
    """

    TERMS: tuple[str, ...] = ("kl", "cycle", "perceptual", *ADVERSARIAL_TERMS)

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        adversarial: AdversarialLoss,
        perceptual: Callable[[Tensor, Tensor], Tensor],
        perceptual_pair: tuple[str, str] = ("fakel", "l"),
    ) -> None:
        self.weights = check_weights(weights, self.TERMS)
        self.adversarial = adversarial
        self.perceptual = perceptual
        self.perceptual_pair = perceptual_pair

    def generator_step(self, networks: Networks, batch: Images) -> tuple[Terms, Images]:
        """Equations (2), (4), (6) to (10), and the generators' terms of (3) and (5)."""
        made = self.translate(networks, batch)
        terms = self.generator_terms(networks, batch, made)
        return terms, {"pred": made.fake_high.detach(), "fake_low": made.fake_low.detach()}

    def translate(self, networks: Networks, batch: Images) -> Translated:
        """Both images in the other domain and back again, equations (4), (6), (8) and (9)."""
        low, high = batch["noisy"], batch["clean"]
        encode_content, encode_noise = networks["content_encoder"], networks["noise_encoder"]
        to_high, to_low = networks["generator_high"], networks["generator_low"]

        mean, log_variance = encode_noise(low)
        code = sample_code(mean, log_variance)
        content_low, content_high = encode_content(low), encode_content(high)
        fake_high = to_high(content_low, code)  # (4)
        fake_low = to_low(content_high, code)  # (6)

        code_again = sample_code(*encode_noise(fake_low))
        fake_high_again = to_high(encode_content(fake_low), code_again)  # (8)
        fake_low_again = to_low(encode_content(fake_high), code_again)  # (9)
        return Translated(mean, log_variance, content_high, fake_high, fake_low, fake_high_again, fake_low_again)

    def generator_terms(self, networks: Networks, batch: Images, made: Translated) -> Terms:
        """Every term of equation (11) that trains encoders and generators."""
        low, high = batch["noisy"], batch["clean"]
        named = {"l": low, "h": high, "fakel": made.fake_low, "fakeh": made.fake_high}
        first, second = (named[name] for name in self.perceptual_pair)
        judge_high, judge_low = networks["discriminator_high"], networks["discriminator_low"]
        return {
            "kl": kl_divergence(made.mean, made.log_variance),  # (2)
            "adversarial_high": generator_loss(self.adversarial, judge_high, made.fake_high),  # (3)
            "adversarial_low": generator_loss(self.adversarial, judge_low, made.fake_low),  # (5)
            "cycle": l1_loss(made.fake_high_again, high) + l1_loss(made.fake_low_again, low),  # (7)
            "perceptual": self.perceptual(first, second),  # (10)
        }

    def discriminator_step(self, networks: Networks, batch: Images, images: Images) -> Terms:
        """The discriminators' terms of equations (3) and (5)."""
        return discriminator_terms(self.adversarial, networks, batch, images["pred"], images["fake_low"])
