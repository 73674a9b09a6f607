"""The noise encoder of scanner noise: what its code depends on, and what not."""

import math

import pytest
import torch
from torch.nn.functional import pad

from monai_unsup_denoise.networks import NoiseLevel, NoiseReader
from tests.small_networks import perturbed

SPREAD = 0.5


@pytest.fixture
def reader() -> NoiseReader:
    """A small reader without zeros among its weights."""
    return perturbed(NoiseReader(channels=(4, 6), spread=SPREAD)).eval()


def blocks(*shape: int, sigma: float = 0.1) -> torch.Tensor:
    """Two blocks on a background of 1, with Gaussian noise, ``(1, 1, *shape)``."""
    image = torch.ones(1, 1, *shape)
    image[..., : shape[0] // 2, : shape[1] // 2, :] = 2
    image[..., shape[0] // 3 :, shape[1] // 2 :, :] = 1.5
    return image + sigma * torch.randn_like(image)


@torch.no_grad()
@pytest.mark.parametrize("truth", [0.01, 0.3])
@pytest.mark.parametrize("shape", [(64, 64, 16), (96, 96, 1)], ids=["volume", "slice"])
def test_untrained_reader_estimates_white_noise(shape, truth):
    settings = {"sigma": 0.05, "spread": 0.9}
    code, _ = NoiseReader(**settings)(1 + truth * torch.randn(1, 1, *shape))
    assert NoiseLevel(**settings)(code).item() == pytest.approx(truth, rel=0.03)
    assert code[0, 1:].tolist() == [0, 0, 0, 0]


@torch.no_grad()
@pytest.mark.parametrize("factor", [0.01, 300.0])
def test_brighter_image_has_a_higher_level_and_the_same_rest(reader, factor):
    image = blocks(24, 20, 12)
    code, log_variance = reader(image)
    brighter, its_log_variance = reader(factor * image)
    step = torch.tensor([[math.log(factor) / SPREAD, 0, 0, 0, 0]])
    torch.testing.assert_close(brighter, code + step, atol=1e-3, rtol=0)
    torch.testing.assert_close(its_log_variance, log_variance, atol=1e-3, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("value", [0.0, 0.7], ids=["masked", "constant"])
def test_empty_regions_carry_no_weight(reader, value):
    image, grid = blocks(32, 24, 16), (16, 6, 4)
    wide = pad(image, [0, 0, 0, 0, 0, 32], value=value)
    code, _, weight = reader.pool(reader.cells(wide))
    weight = weight.view(grid)
    assert weight[9:].sum() == 0  # the border of the region has a step, which is no empty cell
    torch.testing.assert_close(weight.sum(), torch.tensor(1.0))
    wider = pad(image, [0, 0, 0, 0, 0, 64], value=value)
    torch.testing.assert_close(reader(wider)[0], code, atol=1e-5, rtol=0)


@torch.no_grad()
def test_part_with_a_margin_has_the_cells_of_the_whole(reader):
    image = blocks(64, 12, 80)
    whole = reader.cells(image)
    part = reader.cells(image[..., 16:72])
    torch.testing.assert_close(part[..., 6:8], whole[..., 10:12], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(part[..., :1], whole[..., 4:5], atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_stacks_of_few_slices_are_read_in_bfloat16_too(reader, depth):
    image = blocks(24, 20, depth)
    code, log_variance = reader(image)
    assert code.isfinite().all() and log_variance.isfinite().all()
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = reader(image)
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, code, atol=0.05, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 2), (33, 18, 7)])
def test_scripted_reader_reads_the_same_at_any_size(reader, shape):
    image = torch.rand(2, 1, *shape)
    scripted, cells = torch.jit.script(reader), reader.cells(image)
    assert cells.shape == (2, 6 + 10, *(-(-n // 4) for n in shape))
    torch.testing.assert_close(scripted(image), reader(image))
    torch.testing.assert_close(scripted.cells(image), cells)
    torch.testing.assert_close(scripted.pool(cells), reader.pool(cells))
    torch.testing.assert_close(scripted.map_of(cells), reader.map_of(cells))
    assert all(part.isfinite().all() for part in reader(image))


@torch.no_grad()
def test_map_varies_in_its_level_alone(reader):
    cells = reader.cells(blocks(24, 20, 12))
    codes, mean = reader.map_of(cells), reader.pool(cells)[0]
    assert codes.shape == (1, 5, 6, 5, 3)
    assert codes[:, 0].std() > 0
    assert torch.equal(codes[:, 1:], mean[:, 1:, None, None, None].expand(-1, -1, 6, 5, 3))


@torch.no_grad()
@pytest.mark.parametrize("shape, axis", [((192, 24, 16), 0), ((24, 24, 128), 2)], ids=["in the plane", "across slices"])
def test_map_follows_noise_that_doubles_across_the_volume(shape, axis):
    rising = [1, 1, 1]
    rising[axis] = shape[axis]
    truth = torch.linspace(0.05, 0.1, shape[axis])
    reader = NoiseReader(channels=(4, 6))
    image = 1 + truth.view(rising) * torch.randn(1, 1, *shape)
    levels = NoiseLevel()(reader.map_of(reader.cells(image)))[0].movedim(axis, -1).flatten(0, -2)
    of_cells = truth.view(-1, 4).mean(1)
    torch.testing.assert_close(levels, of_cells.expand_as(levels), rtol=0.15, atol=0)
    torch.testing.assert_close(levels.mean(0)[len(of_cells) // 2], of_cells[len(of_cells) // 2], rtol=0.05, atol=0)


@torch.no_grad()
def test_map_of_a_masked_area_has_the_mean_level():
    reader = NoiseReader(channels=(4, 6))
    image = 1 + 0.05 * torch.randn(1, 1, 128, 24, 16)
    image[:, :, 48:] = 0
    levels = NoiseLevel()(reader.map_of(reader.cells(image)))
    torch.testing.assert_close(levels, torch.full_like(levels, 0.05), rtol=0.06, atol=0)


@torch.no_grad()
def test_reader_treats_images_separately(reader):
    weak, strong = blocks(16, 16, 8, sigma=0.02), blocks(16, 16, 8, sigma=0.5)
    cells, alone = reader.cells(torch.cat([weak, strong])), [reader.cells(weak), reader.cells(strong)]
    torch.testing.assert_close(reader.pool(cells)[0], torch.cat([reader.pool(one)[0] for one in alone]))
    torch.testing.assert_close(reader.map_of(cells), torch.cat([reader.map_of(one) for one in alone]))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_code_of_a_noise_free_volume_is_finite(reader, value):
    image = torch.full((1, 1, 16, 16, 8), value, requires_grad=True)
    mean, log_variance = reader(image)
    (mean + log_variance).sum().backward()
    assert mean.isfinite().all() and log_variance.isfinite().all() and image.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in reader.parameters())


def test_every_parameter_of_the_reader_can_learn(reader):
    mean, log_variance = reader(torch.cat([blocks(16, 16, 8, sigma=sigma) for sigma in (0.02, 0.1)]))
    (mean.square() + log_variance.square()).sum().backward()
    idle = {name for name, p in reader.named_parameters() if not p.grad.abs().sum() > 0}
    assert idle <= {"second.2.bias"}  # a softmax ignores what is the same everywhere
