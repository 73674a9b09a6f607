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
        strength: share of the change that is made, above 0 and at most 1: the result is ``strength`` times the denoised
            volume plus ``1 - strength`` times the scan. Less keeps more of faint lesions, and more noise.
        maps: of `MAPS`: the noise level of each voxel, what was removed, and the half-widths of intervals that hold the
            truth in 68 and 95 % of the voxels.

    Raises:
        InputError: for an unknown map, or a strength out of range.
    """

    varying_noise: bool | None = None
    refine: bool = True
    self_ensemble: bool = False
    keep_floor: bool = False
    strength: float = 1.0
    maps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", tuple(dict.fromkeys(self.maps)))
        if unknown := sorted(set(self.maps) - set(MAPS)):
            raise InputError(f"maps: {unknown[0]!r} is unknown; choose from {', '.join(MAPS)}")
        if not 0 < self.strength <= 1:
            raise InputError(f"strength: {self.strength} is out of range; give a number above 0 and at most 1")

    def switches(self) -> dict[str, Any]:
        """The settings that are on or off, by name."""
        return {name: value for name, value in asdict(self).items() if name not in ("strength", "maps")}
