"""The network behind the perceptual loss."""

import torch

from monai_unsup_denoise.networks import TissueClassifier


def test_features_halve_and_logits_have_the_image_size():
    classifier = TissueClassifier(5, channels=(4, 6, 8))
    image = torch.rand(2, 1, 33, 20)
    assert [tuple(f.shape) for f in classifier.features(image)] == [(2, 4, 33, 20), (2, 6, 17, 10), (2, 8, 9, 5)]
    assert classifier(image).shape == (2, 5, 33, 20)
