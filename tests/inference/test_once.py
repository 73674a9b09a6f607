"""Nothing is computed twice for one scan, whatever is asked for."""

import hashlib
from collections import Counter

import pytest
import torch

from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference import Denoiser
from monai_unsup_denoise.inference import volume_inferer as volume_inferer_module

ALL_MAPS = ["sigma", "residual", "uncertainty"]
TILES = 2


def noisy_block(*, rising: bool) -> torch.Tensor:
    """Tissue with background around it; the noise is the same everywhere, or rises threefold along the first axis."""
    clean = torch.zeros(24, 20, 16)
    clean[3:-3, 3:-3, 2:-2] = 900
    level = 60 * 3 ** torch.linspace(-0.5, 0.5, 24).view(-1, 1, 1) if rising else torch.tensor(60.0)
    return add_rician_noise(clean, level.expand_as(clean), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("maps", "keep_floor", "bootstrap"), [([], False, False), (ALL_MAPS, True, True), (ALL_MAPS, True, False)], ids=str
)
@pytest.mark.parametrize("rising", [False, True])
def test_noise_is_estimated_once_and_no_tile_twice(monkeypatch, rising, maps, keep_floor, bootstrap):
    settings = {"tile_voxels": 16**2 * 24, "maps": maps, "keep_floor": keep_floor, "refine": False}
    settings |= {"varying_noise": rising or None}  # decided from the scan where the noise is stationary
    denoiser = Denoiser.from_bundle(device="cpu", settings=settings)
    if bootstrap:
        denoiser.error_head = None
    denoiser.inferer.halo = 0  # with it, each tile of so small a volume would be the whole
    estimates, tiles = [], Counter()
    original = volume_inferer_module.estimate_noise
    monkeypatch.setattr(
        volume_inferer_module, "estimate_noise", lambda *args, **kw: estimates.append(1) or original(*args, **kw)
    )

    def count(network, inputs):
        tiles[hashlib.sha256(b"".join(tensor.numpy().tobytes() for tensor in inputs)).hexdigest()] += 1

    denoiser.network.register_forward_pre_hook(count)
    volume = denoiser.denoise_image(denoiser.wrap(noisy_block(rising=rising)))
    assert volume.varying_noise == rising and set(volume.maps) == set(maps)
    assert len(estimates) == 1
    passes = 1 + rising + 4 * bootstrap  # the network, the first pass of varying noise, the bootstrap
    assert sum(tiles.values()) == passes * TILES
    assert max(tiles.values()) == 1
