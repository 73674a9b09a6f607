"""The physics-guided generator with the effects of scanners: what it says of the noise is true."""

import pytest
import torch

from monai_unsup_denoise.functional import ScannerNoise, add_rician_noise, draw_scanner_noise, noise_truth
from monai_unsup_denoise.networks import NoiseLevel, RicianGenerator, rician_generator

EFFECTS = {"windows": 0.7, "coils": 0.5, "gain": 0.5, "resampling": 0.4, "rounding": 0.5, "background": 0.5}
SHAPE = (16, 12, 8)


@pytest.fixture
def level() -> NoiseLevel:
    return NoiseLevel(sigma=0.05, spread=0.5)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[ScannerNoise]:
    """The kinds of noise that are drawn from now on."""
    kinds: list[ScannerNoise] = []

    def record(*given, **settings):
        kinds.append(draw_scanner_noise(*given, **settings))
        return kinds[-1]

    monkeypatch.setattr(rician_generator, "draw_scanner_noise", record)
    return kinds


@pytest.mark.parametrize("varying", [False, True], ids=["one level", "a map"])
def test_code_is_the_truth_about_the_drawn_kind(level, drawn, varying):
    clean = torch.rand(6, 1, *SHAPE)
    sigma = torch.tensor([0.003, 0.01, 0.05, 0.1, 0.2, 0.4]).view(6, 1, 1, 1)
    sigma = sigma * torch.linspace(0.8, 1.25, 8) if varying else sigma
    given = level.code_of(sigma.expand(6, *SHAPE) if varying else sigma.flatten(), torch.rand(6, 3), torch.ones(6))
    made = RicianGenerator(level, effects=EFFECTS).corrupt(clean, given)
    assert made.noisy.shape == made.sigma.shape == clean.shape and made.code.shape == (6, 5, *SHAPE)
    assert (made.sigma > 0).all() and (made.noisy >= 0).all()
    torch.testing.assert_close(level(made.code).unsqueeze(1), made.sigma)
    of_image = made.code.flatten(2).mean(-1)
    for index, kind in enumerate(drawn):
        of_image_sigma = sigma[index].expand(SHAPE) if varying else sigma[index, 0, 0, 0]
        truth = noise_truth(clean[index, 0], of_image_sigma, scanner=kind)
        torch.testing.assert_close(made.sigma[index, 0], truth.sigma.expand(SHAPE))
        torch.testing.assert_close(level.correlation(of_image)[index], truth.correlation[:, 0])
        assert level.coils(of_image)[index].item() == pytest.approx(truth.coils)
    assert len(drawn) == 6 and len(set(map(repr, drawn))) > 3


@pytest.mark.parametrize("effects", [None, {}, {"windows": 0.0}])
def test_without_effects_noise_is_white_and_so_is_its_code(level, effects):
    clean, code = torch.rand(2, 1, *SHAPE), torch.randn(2, 5)
    torch.manual_seed(1)
    made = RicianGenerator(level, effects=effects).corrupt(clean, code)
    of_image = made.code if made.code.dim() == 2 else made.code.flatten(2).mean(-1)
    torch.testing.assert_close(of_image[:, 0], code[:, 0])
    assert not of_image[:, 1:].any()
    torch.testing.assert_close(made.sigma.flatten(1)[:, 0], level(code))
    if not effects:
        torch.manual_seed(1)
        assert torch.equal(made.noisy, add_rician_noise(clean, level(code).view(2, 1, 1, 1, 1)))


def test_same_seed_gives_the_same_kinds_and_noise(level):
    generator, clean, code = RicianGenerator(level, effects=EFFECTS), torch.rand(2, 1, *SHAPE), torch.zeros(2, 5)
    made = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        made.append(generator.corrupt(clean, code))
    assert all(torch.equal(*pair) for pair in zip(made[0], made[1], strict=True))
    assert not torch.equal(made[0].noisy, made[2].noisy)


def test_unknown_effect_is_refused(level):
    with pytest.raises(ValueError, match="no effect 'window'"):
        RicianGenerator(level, effects={"window": 1.0})
