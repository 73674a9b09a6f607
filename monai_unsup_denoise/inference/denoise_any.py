"""Denoise an image of any kind in one call: ``clean = denoise(image)``."""

from __future__ import annotations

import copy
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict, TypeVar, get_args, overload

import numpy as np
from monai.data import MetaTensor
from nibabel.filebasedimages import FileBasedImage
from nibabel.spatialimages import SpatialImage
from torch import Tensor

from monai_unsup_denoise.errors import InputError
from monai_unsup_denoise.inference.denoised_volume import report_of_series
from monai_unsup_denoise.inference.denoiser import Denoiser
from monai_unsup_denoise.inference.image_kinds import open_image
from monai_unsup_denoise.inference.loaded import loaded_denoiser
from monai_unsup_denoise.inference.noise import with_sigma
from monai_unsup_denoise.inference.settings import DenoiseSettings
from monai_unsup_denoise.inference.volumes import VolumeSeries, denoise_volumes
from monai_unsup_denoise.io.volume_writer import VoxelType
from monai_unsup_denoise.protocols import NoiseAwareNetwork

if TYPE_CHECKING:
    from typing import Unpack

Image = TypeVar("Image", np.ndarray, Tensor)
# FileBasedImage: what `nibabel.load` says that it returns.
_File = str | os.PathLike[str] | FileBasedImage


class DenoiseOptions(TypedDict, total=False):
    """The options of `denoise` and of the transforms; None leaves the bundle's choice."""

    strength: float | None
    sigma: float | None
    nonpositive: Literal["refuse", "clip"] | None
    varying_noise: bool | None
    refine: bool | None
    self_ensemble: bool | None
    keep_floor: bool | None
    bundle: str | Path | None
    model: str | Path | None
    device: str | None


@dataclass(frozen=True)
class ScanNoise:
    """The noise of a scan.

    Attributes:
        sigma: standard deviation of the noise in each complex channel, in the units of the image, the median over
            tissue where it varies; None where the model does not estimate it.
        map: sigma of each voxel, of the kind and shape of the image; of a series, of one volume. None as for sigma.
        report: all that was read of the noise, by the keys of the ``.json`` file that ``mri-denoise`` writes.
    """

    sigma: float | None
    map: Any
    report: dict[str, Any]


@overload
def denoise(
    image: Image,
    *,
    return_noise: Literal[False] = False,
    series_axis: int | None = None,
    dtype: VoxelType = "float32",
    **options: Unpack[DenoiseOptions],
) -> Image: ...
@overload
def denoise(
    image: Image,
    *,
    return_noise: Literal[True],
    series_axis: int | None = None,
    dtype: VoxelType = "float32",
    **options: Unpack[DenoiseOptions],
) -> tuple[Image, ScanNoise]: ...
@overload
def denoise(
    image: _File,
    *,
    return_noise: Literal[False] = False,
    dtype: VoxelType = "float32",
    **options: Unpack[DenoiseOptions],
) -> SpatialImage: ...
@overload
def denoise(
    image: _File,
    *,
    return_noise: Literal[True],
    dtype: VoxelType = "float32",
    **options: Unpack[DenoiseOptions],
) -> tuple[SpatialImage, ScanNoise]: ...
def denoise(
    image: Any,
    *,
    return_noise: bool = False,
    strength: float | None = None,
    sigma: float | None = None,
    series_axis: int | None = None,
    dtype: VoxelType = "float32",
    nonpositive: Literal["refuse", "clip"] | None = None,
    varying_noise: bool | None = None,
    refine: bool | None = None,
    self_ensemble: bool | None = None,
    keep_floor: bool | None = None,
    bundle: str | Path | None = None,
    model: str | Path | None = None,
    device: str | None = None,
) -> Any:
    """Denoise an MR magnitude image: the voxels of ``mri-denoise denoise``, as the kind of image that was given.

    Args:
        image: NumPy array, tensor, MetaTensor or image of nibabel, or the path of a scan (a file, or the folder of a
            DICOM series), of which an image of nibabel is returned. In memory, a slice ``(X, Y)``, a volume
            ``(X, Y, Z)`` or ``(1, X, Y, Z)``, or a series ``(X, Y, Z, T)`` with one noise estimate. It is not changed.
        return_noise: return ``(clean, noise)``, a `ScanNoise`.
        strength: share of the change to make, above 0 and at most 1.
        sigma: noise level in the units of the image, in place of the estimated one; the correlation of the noise, and
            how its level varies, are still read from the image.
        series_axis: axis of the volumes of an image of 4 axes; of a tensor it has to be given.
        dtype: of the voxels; ``"same"``: that of the image, integers rounded and clipped.
        nonpositive: refuse negative and NaN voxels, or clip them to 0 where they are small or few.
        varying_noise, refine, self_ensemble, keep_floor: see `DenoiseSettings`.
        bundle: folder of a bundle, or an inference config; by default the bundle of the package.
        model: file of weights in place of the bundle's.
        device: such as ``cuda:0``; by default a GPU if there is one.

    Raises:
        InputError: a ValueError, for whatever ``mri-denoise denoise`` refuses, and images and options unlike these.
    """
    return denoise_named(
        image,
        "the image",
        return_noise=return_noise,
        sigma=sigma,
        series_axis=series_axis,
        dtype=dtype,
        nonpositive=nonpositive,
        bundle=bundle,
        model=model,
        device=device,
        strength=strength,
        varying_noise=varying_noise,
        refine=refine,
        self_ensemble=self_ensemble,
        keep_floor=keep_floor,
    )


def denoise_named(
    image: Any,
    name: str,
    *,
    return_noise: bool = False,
    sigma: float | None = None,
    series_axis: int | None = None,
    dtype: VoxelType = "float32",
    nonpositive: str | None = None,
    bundle: str | Path | None = None,
    model: str | Path | None = None,
    device: str | None = None,
    **switches: Any,
) -> Any:
    """`denoise`; messages use ``name`` for an image without a file name. ``switches`` are `DenoiseSettings`."""
    check_options(strength=switches.get("strength"), sigma=sigma, dtype=dtype)
    opened = open_image(image, dtype=dtype, series_axis=series_axis, name=name)
    denoiser = copy.copy(loaded_denoiser(bundle, model=model, device=device, nonpositive=nonpositive))
    given = {switch: value for switch, value in switches.items() if value is not None}
    maps = ("sigma",) if return_noise and isinstance(denoiser.network, NoiseAwareNetwork) else ()
    denoiser.settings = replace(denoiser.settings, **given, maps=maps)
    if isinstance(opened.content, (Path, MetaTensor)):
        result = _denoise_volume(denoiser, opened.content, sigma)
    else:
        result = _denoise_series(denoiser, opened.content, sigma)
    clean = opened.wrap(result.denoised, result.affine)
    if not return_noise:
        return clean
    level = None if result.sigma_map is None else opened.wrap(result.sigma_map, result.affine)
    return clean, ScanNoise(result.report["sigma"], level, result.report)


def check_options(*, strength: float | None = None, sigma: float | None = None, dtype: str = "float32") -> None:
    """Check options before anything is read or loaded.

    Raises:
        InputError: for a value out of range.
    """
    DenoiseSettings(strength=1.0 if strength is None else strength)
    if sigma is not None and not 0 < sigma < math.inf:
        raise InputError(f"sigma: {sigma} is out of range; give a number above 0, in the units of the image")
    if dtype not in get_args(VoxelType):
        raise InputError(f"dtype: {dtype!r} is unknown; give float32 or same")


class _Result(NamedTuple):
    denoised: np.ndarray
    affine: np.ndarray
    sigma_map: np.ndarray | None
    report: dict[str, Any]


def _denoise_volume(denoiser: Denoiser, content: Path | MetaTensor, sigma: float | None) -> _Result:
    scan = denoiser.load(content) if isinstance(content, Path) else denoiser.preprocess(content)
    noise = None
    if sigma is not None:
        noise = with_sigma(denoiser.estimate_noise(scan), denoiser.network, sigma=sigma / scan.meta["reference"])
    volume = denoiser.denoise_image(scan, noise=noise)
    return _Result(volume.denoised, volume.affine, volume.maps.get("sigma"), volume.noise_report())


def _denoise_series(denoiser: Denoiser, volumes: VolumeSeries, sigma: float | None) -> _Result:
    denoised = np.empty((*volumes.shape, len(volumes)), dtype=np.float32)
    sigma_map, reports = None, []
    for number, volume in enumerate(denoise_volumes(denoiser, volumes, sigma=sigma)):
        denoised[..., number] = volume.denoised
        sigma_map = volume.maps.get("sigma", sigma_map)
        reports.append(volume.noise_report())
    return _Result(denoised, volumes.affine, sigma_map, report_of_series(reports))
