"""Test objects of quality assurance: homogeneous, with inserts, resolution holes or a grid."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.nn.functional import avg_pool3d

from monai_unsup_denoise.data.phantom.acquisition import Scan
from monai_unsup_denoise.data.phantom.contrast import CSF
from monai_unsup_denoise.data.phantom.fields import coverage
from monai_unsup_denoise.data.phantom.variation import receive_field

_SIDE = 96  # voxels
_FINE = 2  # points per voxel along each axis

Points = tuple[Tensor, Tensor, Tensor]


def draw_object(number: int, *, rng: np.random.Generator) -> Scan:
    """Scan a ball, cylinder or box of water in air, by ``number``; its filling follows from the number too.

    Twelve numbers cover all pairs of body and filling. Edges are sharp but for the partial volumes of a voxel: signal
    is computed on two points per voxel and axis, and averaged. Voxels have 0.5 to 3.5 mm in the plane; slices are 1 to
    5 voxels thick, 10 mm at most. Three objects in four are aligned within 5 degrees, the others have any direction.
    Three in ten hold an air bubble, six in ten are shaded by a receive field. The fillings are those of NEMA MS 1
    (homogeneous), of the ACR phantom (resolution holes of about a voxel, grid) and of the NIST phantom (spheres of
    other relaxation times): Stupic et al., Magnetic Resonance in Medicine 86 (2021) 1194.
    """
    side = float(np.exp(rng.uniform(np.log(0.5), np.log(3.5))))
    thickness = int(min(float(rng.integers(2, 6)), 10 / side)) if number % 2 else 1
    points, radius = _points(thickness, rng), rng.uniform(0.35, 0.44) * _SIDE
    depth = BODIES[number % 3](points, radius)
    if rng.random() < 0.3:
        depth = torch.minimum(depth, radius * rng.uniform(0.4, 0.65) - points[1])
    image = _voxels(FILLINGS[number // 3 % 4](points, radius, rng) * _inside(depth), thickness)
    spacing = side * np.array([1.0, 1.0, thickness])
    tissue = (image > 0.5 * image.max()) * CSF
    if rng.random() < 0.6:
        image *= receive_field(tuple(image.shape), spacing, rng=rng)
    image *= np.exp(rng.uniform(np.log(200), np.log(4000))) / image.max()
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -spacing * (np.array(image.shape) - 1) / 2
    return Scan(image.numpy(), tissue.to(torch.uint8).numpy(), affine)


def _points(thickness: int, rng: np.random.Generator) -> Points:
    """Positions relative to the centre of the object, turned with it, in voxels of the plane."""
    slices = _SIDE // thickness * thickness
    turn = Rotation.random(random_state=rng.integers(2**31)).as_rotvec()
    if rng.random() < 0.75:
        turn *= np.deg2rad(5) / np.pi
    axes = [(torch.arange(_FINE * n) + 0.5) / _FINE - n / 2 for n in (_SIDE, _SIDE, slices)]
    shift = rng.uniform(-2, 2, 3)
    x, y, z = (
        (axis - float(s)).view([-1 if i == j else 1 for j in range(3)])
        for i, (axis, s) in enumerate(zip(axes, shift, strict=True))
    )
    first, second, third = Rotation.from_rotvec(turn).as_matrix().tolist()
    return tuple(row[0] * x + row[1] * y + row[2] * z for row in (first, second, third))


def _inside(depth: Tensor) -> Tensor:
    """Fraction of each point's surroundings that is inside."""
    return coverage(depth, width=1 / _FINE)


def _voxels(signal: Tensor, thickness: int) -> Tensor:
    """Means over voxels of the signal at all points."""
    return avg_pool3d(signal[None], (_FINE, _FINE, _FINE * thickness))[0]


def _ball(points: Points, radius: float) -> Tensor:
    """Depth below the surface; all bodies fit into a ball of ``radius``, and so into the field of view when turned."""
    x, y, z = (p.square() for p in points)
    return radius - (x + y + z).sqrt_()


def _cylinder(points: Points, radius: float) -> Tensor:
    x, y, z = points
    return 0.72 * radius - torch.maximum(torch.hypot(x, y), z.abs())


def _box(points: Points, radius: float) -> Tensor:
    x, y, z = (p.abs() for p in points)
    return 0.65 * radius - torch.maximum(torch.maximum(x, y), z)


def _homogeneous(points: Points, radius: float, rng: np.random.Generator) -> Tensor:
    """Water; in every second object with a cube or ball of another signal within a wall of plastic."""
    if rng.random() < 0.5:
        return torch.ones_like(points[0])
    return _enclosed(BODIES[rng.integers(3)](points, radius * rng.uniform(0.3, 0.6)), rng)


def _enclosed(depth: Tensor, rng: np.random.Generator) -> Tensor:
    """A compartment of another signal, 0 to 1.5, behind a wall of 0 to 2 voxels without signal; around it 1."""
    outside = 1 - _inside(depth + rng.uniform(0, 2))
    return outside + rng.uniform(0, 1.5) * _inside(depth)


def _inserts(points: Points, radius: float, rng: np.random.Generator) -> Tensor:
    """4 to 12 balls or tubes of other signals on a ring."""
    count, size = int(rng.integers(4, 13)), rng.uniform(0.07, 0.11) * radius
    tubes = rng.random() < 0.5
    signal = torch.ones_like(points[0])
    for angle in 2 * np.pi * np.arange(count) / count:
        x, y = (p - 0.42 * radius * f for p, f in zip(points, (np.cos(angle), np.sin(angle)), strict=False))
        signal *= _enclosed(size - torch.hypot(x, y) if tubes else _ball((x, y, points[2]), size), rng)
    return signal


def _holes(points: Points, radius: float, rng: np.random.Generator) -> Tensor:
    """A plate with four arrays of 4 by 4 holes, 0.8 to 2.5 voxels wide and twice as far apart."""
    x, y, z = points
    plate = _inside(0.5 * radius - torch.maximum(torch.maximum(x.abs(), y.abs()), z.abs()))
    water = 1 - plate
    for right, up in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        u, v = x - 0.25 * radius * right, y - 0.25 * radius * up
        width = float(np.exp(rng.uniform(np.log(0.8), np.log(0.06 * radius))))
        cells = [torch.remainder(p, 2 * width) - width for p in (u, v)]
        hole = _inside(width / 2 - torch.hypot(*cells))
        water += plate * hole * (torch.maximum(u.abs(), v.abs()) < 4 * width)
    return water


def _grid(points: Points, radius: float, rng: np.random.Generator) -> Tensor:
    """Water between plates of 1 to 3 voxels, 8 to 20 voxels apart, across two or three axes."""
    period, wall = rng.uniform(8, 20), rng.uniform(1, 3)
    water = torch.ones_like(points[0])
    for p in points[: rng.integers(2, 4)]:
        water *= _inside((torch.remainder(p, period) - period / 2).abs_() - wall / 2)
    return water


BODIES: tuple[Callable[[Points, float], Tensor], ...] = (_ball, _cylinder, _box)
FILLINGS: tuple[Callable[[Points, float, np.random.Generator], Tensor], ...] = (_homogeneous, _inserts, _holes, _grid)
