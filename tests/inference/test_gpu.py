"""On a CUDA device: the same volumes as on the CPU, and a training that runs in mixed precision."""

import pytest
import torch
from ignite.engine import Events
from monai.bundle import ConfigParser

from monai_unsup_denoise.bundle_folder import bundle_folder
from monai_unsup_denoise.functional import add_rician_noise
from monai_unsup_denoise.inference.denoiser import Denoiser

pytestmark = pytest.mark.gpu


def ball(side: int) -> torch.Tensor:
    """A bright ball in air, with stripes of four voxels in it."""
    axis = torch.linspace(-1, 1, side)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    stripes = 0.7 + 0.3 * torch.sin(torch.arange(side) * torch.pi / 2).view(-1, 1, 1)
    return 100 * stripes * (x.square() + y.square() + z.square() < 0.7)


@pytest.mark.parametrize("settings", [{"refine": False}, {"varying_noise": True}], ids=str)
def test_a_volume_comes_out_as_on_the_cpu(settings):
    clean = ball(64)
    noisy = add_rician_noise(clean, 10.0, generator=torch.Generator().manual_seed(0)).numpy()
    on = {}
    for device in ("cpu", "cuda:0"):
        denoiser = Denoiser.from_bundle(device=device, settings={**settings, "maps": ["sigma"]})
        on[device] = denoiser.denoise_image(denoiser.wrap(noisy))
    assert abs(on["cuda:0"].sigma / on["cpu"].sigma - 1) < 0.002
    error = (torch.from_numpy(on["cuda:0"].denoised) - torch.from_numpy(on["cpu"].denoised)).abs()
    assert error.max() < 1.0, "a tenth of the noise"
    assert error.square().mean().sqrt() < 0.1


def test_a_training_runs_in_mixed_precision_and_learns():
    parser = ConfigParser()
    parser.read_config(str(bundle_folder() / "configs" / "train.json"))
    clean = ball(32).expand(4, 1, -1, -1, -1) / 100
    batch = {"clean": clean, "noisy": add_rician_noise(clean, 0.1, generator=torch.Generator().manual_seed(0))}
    parser["max_epochs"] = 1
    parser["iterations_per_epoch"] = 60
    parser["train"]["dataloader"] = [batch] * 60
    parser["train"]["handlers"] = []
    trainer = parser.get_parsed_content("train#trainer")
    errors = []
    trainer.add_event_handler(
        Events.ITERATION_COMPLETED, lambda engine: errors.append(float(engine.state.output[0]["cycle"]))
    )
    trainer.run()
    assert trainer.autocast is torch.bfloat16
    assert next(trainer.networks.parameters()).device.type == "cuda"
    assert sum(errors[-10:]) < 0.7 * sum(errors[:10])
