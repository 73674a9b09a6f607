"""How a volume is denoised: one name for each switch, in JSON, on the command line, in sidecars and in requests."""

from dataclasses import asdict, dataclass
from typing import Any

from monai_unsup_denoise.errors import InputError

#: Maps that can be made beside the denoised volume.
MAPS = ("sigma", "residual", "uncertainty", "uncertainty_95")


@dataclass(frozen=True)
class DenoiseSettings:
    """Choices of a user. The first is decided from the scan where it is None.

    Attributes:
        varying_noise: estimate a map of the noise level, as parallel imaging needs, in place of one number. A map takes
            a first denoising pass. None: a map if the estimated level varies by about a factor of 1.5 over the tissue.
        refine: run the refinement stage, non-local Bayes guided by the output of the network.
        self_ensemble: average over the 8 mirror images of the volume; 8 times as slow (Lim et al., CVPRW 2017).
        keep_floor: return ``E[m | A, sigma]``, the mean of many noisy scans, in place of ``A``: background stays at the
            Rician floor ``sigma sqrt(pi / 2)``. For comparison with scans that were averaged as magnitudes.
        maps: of `MAPS`: the noise level of each voxel, what was removed, and the half-widths of intervals that hold the
            truth in 68 and 95 % of the voxels.

    Raises:
        InputError: for an unknown map.
    """

    varying_noise: bool | None = None
    refine: bool = True
    self_ensemble: bool = False
    keep_floor: bool = False
    maps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", tuple(dict.fromkeys(self.maps)))
        if unknown := sorted(set(self.maps) - set(MAPS)):
            raise InputError(f"maps: {unknown[0]!r} is unknown; choose from {', '.join(MAPS)}")

    def switches(self) -> dict[str, Any]:
        """The settings without the maps, by name."""
        return {name: value for name, value in asdict(self).items() if name != "maps"}
