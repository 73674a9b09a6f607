"""Tissue fractions of one subject: the template deformed, sharpened, and given individual detail."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from monai_unsup_denoise.data.phantom.contrast import AIR, CSF, FAT, GREY, MUSCLE, TISSUES, WHITE
from monai_unsup_denoise.data.phantom.fields import Detail, Grid, coverage
from monai_unsup_denoise.data.phantom.scalp import add_dura, fill_skull, fill_soft_tissue


def draw_anatomy(maps: np.ndarray, affine: np.ndarray, *, rng: np.random.Generator, stripped: bool = False) -> Tensor:
    """Draw a subject: the volume fractions of the tissues in each voxel.

    Level sets are converted to distances. So edges are about one voxel wide, with partial volumes, independent of the
    sharpness of the template. The zero sets of smooth noise are the sulci. Between them the cortex is a ribbon, as in a
    single subject and unlike in the average template. Vessels are the lines where two noise fields vanish. Skull and
    scalp are layers around the brain. Face and neck are an ellipsoid and a cylinder of muscle, fat, bone and air.

    Args:
        maps, affine: template from ``load_template``.
        rng: draws everything.
        stripped: brain only, as after skull stripping.

    Returns:
        float32 ``(7, *spatial)`` in the order of ``TISSUES``, with sum 1; outside the head, air is exactly 1.
    """
    grid = Grid(rng, maps.shape[1:], float(abs(affine[0, 0])))
    (grey, white, distance, cortex, cerebellum), places = _deform(maps, affine, grid)
    fine = grid.noise(6)
    coarse = grid.noise(rng.uniform(9, 15))
    edge = rng.uniform(1.0, 1.8) * grid.spacing
    detail = Detail(fine, coarse, edge)

    ribbon = rng.uniform(0.5, 1.0)  # relative to the thickness in the template
    pial = grid.distance(grey + white - 0.5 + 0.06 * fine)
    inner = grid.distance(white - ribbon * grey + 0.10 * fine)
    pial, inner = _fold((pial, inner), (distance, cortex, cerebellum, fine), places, grid)
    parenchyma, core = coverage(pial, width=edge), coverage(inner, width=edge)
    soft = _softness(distance, grid)
    parenchyma = torch.lerp(parenchyma, (grey + white).clamp_(max=1), soft)
    core = torch.lerp(core, white / (grey + white + 1e-3), soft)
    del grey, white, cortex, cerebellum, places, pial, inner, soft

    if stripped:
        intracranial = coverage(-distance, width=edge)
        head = intracranial
    else:
        shell = rng.uniform(1.0, 3.5) + 0.8 * fine.clamp(-1, 1)  # CSF around the brain, mm
        bone = rng.uniform(4.0, 7.0) + 1.2 * coarse.clamp(-2, 2)
        intracranial = coverage(shell - distance, width=edge)
        skull = coverage(shell + bone - distance, width=edge)
        scalp = rng.uniform(3.0, 8.0)
        outer = float(shell.mean() + bone.mean()) + scalp
        depth = outer + 1.5 * coarse.clamp(-1, 1) - distance
        depth = _join(depth, _face_and_neck(affine, grid), radius=8.0)
        depth = torch.maximum(depth, shell + bone + 2.0 - distance)
        head = coverage(depth, width=edge)

    fractions = torch.zeros((len(TISSUES), *grid.shape))
    fractions[AIR] = 1 - head
    fractions[WHITE] = intracranial * parenchyma * core
    fractions[GREY] = intracranial * parenchyma * (1 - core)
    fractions[CSF] = intracranial * (1 - parenchyma)
    if not stripped:
        add_dura(fractions, distance - shell, grid, edge=edge)
        bony = (skull - intracranial).clamp_(min=0)
        fill_skull(fractions, bony, distance - shell, bone, grid, detail)
        fill_soft_tissue(fractions, depth, grid, detail)
    _add_vessels(fractions, coarse, grid, edge=edge)
    if rng.random() < 0.5:
        _add_lesions(fractions, grid)
    fractions[AIR][head <= 0] = 1.0
    return fractions


def _deform(maps: np.ndarray, affine: np.ndarray, grid: Grid) -> tuple[Tensor, Tensor]:
    """Scale by up to 8 %, rotate by up to 8 degrees, mirror, and warp smoothly by some mm; distances stay in mm.

    Returns the deformed maps, and the template coordinates (mm) of each voxel, ``(3, *spatial)``.
    """
    rng, shape, spacing = grid
    scale = np.exp(rng.uniform(-0.08, 0.08)) * np.exp(rng.uniform(-0.04, 0.04, 3))
    x, y, z = np.deg2rad(rng.uniform(-8, 8, 3))
    turn = (
        np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        @ np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        @ np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    )
    mirror = np.diag([rng.choice([-1.0, 1.0]), 1.0, 1.0])
    half = (np.array(shape) - 1) / 2
    matrix = (turn @ mirror / scale) * half[None, :] / half[:, None]  # in units of grid_sample, half an axis
    theta = torch.zeros(1, 3, 4)
    theta[0, :, :3] = torch.from_numpy(matrix[::-1, ::-1].copy())  # axes of grid_sample run from last to first
    places = F.affine_grid(theta, [1, 1, *shape], align_corners=True)
    for size, extent in ((40.0, rng.uniform(2, 5)), (14.0, rng.uniform(0.5, 1.3))):
        for axis in range(3):
            places[0, ..., 2 - axis] += grid.noise(size) * (extent / spacing / half[axis])
    source = torch.from_numpy(maps).float()[None]
    warped = F.grid_sample(source, places, mode="bilinear", padding_mode="border", align_corners=True)[0]
    warped[2] *= float(scale.mean())
    in_mm = [(places[0, ..., 2 - i] + 1) * half[i] * float(affine[i, i]) + float(affine[i, 3]) for i in range(3)]
    return warped, torch.stack(in_mm)


def _softness(distance: Tensor, grid: Grid) -> Tensor:
    """Weight (0 to 1) of the template's gradual borders, which deep structures such as the thalamus keep."""
    patches = grid.noise(25) - grid.rng.uniform(-0.5, 1.0)
    return patches.clamp_(0, 1) * ((-distance - 15) / 8).clamp(0, 1)


def _fold(
    surfaces: tuple[Tensor, Tensor], fields: tuple[Tensor, ...], places: Tensor, grid: Grid
) -> tuple[Tensor, Tensor]:
    """Fold the cortex and, finer, the cerebellum: sulci of CSF, lined with grey matter, and white matter between."""
    pial, inner = surfaces
    distance, cortex, cerebellum, fine = fields
    rng = grid.rng
    phase = _folia_phase(grid)
    folds, outward = _folds(places, grid)
    sheet = grid.distance(torch.lerp(folds, torch.sin(phase), cerebellum)).abs_()
    fissure = places[0].abs() + 3 * (-distance - rng.uniform(28, 34)).clamp(min=0)  # ends at the corpus callosum
    depth = torch.minimum(-distance, torch.lerp(fissure, -distance, cerebellum))
    reach = rng.uniform(14, 28) * (3 * cortex - 0.4).clamp(0, 1) * (5 * outward - 2).clamp(0, 1)  # mm below the surface
    fade = ((reach - depth) / 5).clamp(-1, 1)
    ribbon = rng.uniform(2.2, 3.4) + 0.4 * fine - 1.2 * cerebellum
    half_width = rng.uniform(0.3, 1.0) + 0.3 * fine.clamp(-1, 1) - 0.2 * cerebellum
    sulcus = sheet - half_width * fade
    folded = torch.minimum(sulcus, depth - 0.5)
    shell = ((reach - depth) / 4 + 0.5).clamp(0, 1) * (1 - cerebellum)  # cortex only
    pial = torch.lerp(torch.minimum(pial, sulcus), folded, shell)
    inner = torch.minimum(inner, sheet - (half_width + ribbon) * fade)
    inner = torch.lerp(inner, folded - ribbon, shell)
    # White matter within each folium.
    leaf = rng.uniform(0.2, 0.9) - grid.distance(torch.cos(phase)).abs_()
    leaf = torch.where((cerebellum > 0) & (distance < -2.5), leaf, -grid.spacing)
    return pial, torch.maximum(inner, leaf)


def _folds(places: Tensor, grid: Grid) -> tuple[Tensor, Tensor]:
    """A field that vanishes in the sulci, and the radial position: 0 in the centre of a hemisphere, 1 outside.

    Sulci are perpendicular to the surface. So the field is nearly constant along each ray from the centre: it is the
    noise, slightly displaced, where the ray meets an ellipsoid around the hemisphere.
    """
    centre, radii = (20.0, -18.0, 8.0), (40.0, 72.0, 52.0)  # mm, of the right hemisphere
    scale = grid.rng.uniform(5.5, 9)
    noise = grid.noise(scale) + 0.5 * grid.noise(scale / 1.7)
    side = torch.where(places[0] < 0, -1.0, 1.0)
    ways = [(places[i] - (side if i == 0 else 1) * centre[i]) / radii[i] for i in range(3)]
    length = torch.stack([way.square() for way in ways]).sum(0).sqrt_().clamp_(min=0.05)
    on_noise = torch.empty(1, *grid.shape, 3)
    for i, way in enumerate(ways):
        on_surface = way / length * radii[i] + (side * 60 if i == 0 else 0)  # mm; the two sides far apart
        shift = 2.5 * grid.noise(12)
        on_noise[0, ..., 2 - i] = (on_surface + shift) / grid.spacing / ((grid.shape[i] - 1) / 2)
    folds = F.grid_sample(noise[None, None], on_noise, mode="bilinear", padding_mode="reflection", align_corners=True)
    return folds[0, 0], length


def _folia_phase(grid: Grid) -> Tensor:
    """Phase of a distorted plane wave in y and z: a sulcus at each multiple of pi, 5 to 8 mm apart."""
    rng, shape, spacing = grid
    angle, period = rng.uniform(-0.6, 0.6), rng.uniform(5, 8) / spacing
    y, z = torch.arange(shape[1])[:, None], torch.arange(shape[2])
    plane = (float(np.sin(angle)) * y + float(np.cos(angle)) * z) / period
    return (plane + 0.7 * grid.noise(20)) * torch.pi


def _face_and_neck(affine: np.ndarray, grid: Grid) -> Tensor:
    """Depth (mm, positive inside) below the surface of a face, a nose and a neck, in MNI space."""
    last = [float(affine[i, 3] + affine[i, i] * (grid.shape[i] - 1)) for i in range(3)]
    axes = [torch.linspace(float(affine[i, 3]), last[i], 48) for i in range(3)]
    x, y, z = torch.meshgrid(*axes, indexing="ij")
    size = grid.rng.uniform(0.92, 1.06)

    def ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> Tensor:
        terms = [((p - c) / (r * size)) ** 2 for p, c, r in zip((x, y, z), centre, radii, strict=True)]
        return (1 - (terms[0] + terms[1] + terms[2]).sqrt()) * min(radii) * size

    face = ellipsoid((0, 22, -58), (70, 68, 78))
    nose = ellipsoid((0, 86, -50), (13, 15, 24))
    neck = torch.minimum(ellipsoid((0, -30, -100), (66, 70, 1e4)), -30 - z)
    depth = _join(_join(face, nose, radius=6.0), neck, radius=12.0)
    return F.interpolate(depth[None, None], size=grid.shape, mode="trilinear", align_corners=True)[0, 0]


def _join(first: Tensor, second: Tensor, *, radius: float) -> Tensor:
    """Smooth maximum of two depths: a union with a seam rounded over ``radius`` mm."""
    blend = (radius - (first - second).abs()).clamp_(min=0).square_() / (4 * radius)
    return torch.maximum(first, second) + blend


def _add_vessels(fractions: Tensor, coarse: Tensor, grid: Grid, *, edge: float) -> None:
    """Replace thin tubes, where two noise fields vanish, by CSF in the brain and by muscle in fat."""
    first, second = (grid.distance(field) for field in (coarse, grid.noise(20)))
    radius = grid.rng.uniform(0.3, 0.8)
    tube = coverage(radius - (first.square_() + second.square_()).sqrt_(), width=edge)
    for source, target in ((GREY, CSF), (WHITE, CSF), (FAT, MUSCLE)):
        moved = fractions[source] * tube
        fractions[source] -= moved
        fractions[target] += moved


def _add_lesions(fractions: Tensor, grid: Grid) -> None:
    """Replace part of the white matter in a few balls (radius 1 to 6 mm) by grey matter or CSF."""
    rng, shape, spacing = grid
    places = np.flatnonzero(fractions[WHITE].numpy() > 0.9)
    if not len(places):
        return
    for _ in range(rng.integers(3, 30)):
        centre = np.unravel_index(places[rng.integers(len(places))], shape)
        radius = np.exp(rng.uniform(np.log(1.0), np.log(6.0))) / spacing
        reach = int(np.ceil(radius)) + 1
        box = tuple(slice(max(c - reach, 0), min(c + reach + 1, n)) for c, n in zip(centre, shape, strict=True))
        x, y, z = ((o - c) / rng.uniform(0.7, 1.3) for o, c in zip(np.ogrid[box], centre, strict=True))
        depth = torch.from_numpy(radius - np.sqrt(x**2 + y**2 + z**2)).float()
        ball = coverage(depth) * rng.uniform(0.3, 1.0)
        moved = fractions[WHITE][box] * ball
        fractions[WHITE][box] -= moved
        fractions[int(rng.choice([GREY, CSF]))][box] += moved
