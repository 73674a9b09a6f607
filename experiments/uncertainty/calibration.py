"""By how much to widen the intervals of an error head, and what they then cover."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from experiments.uncertainty.crops import Crop
from experiments.uncertainty.risk_control import controlled_factor
from monai_unsup_denoise.networks.error_head import COVERAGES

#: Half-widths ``(2, X, Y, Z)`` of a crop.
HalfWidths = Callable[[Crop], np.ndarray]

DOUBT = 0.1
_BRIGHT = (0.0, 0.2, 0.4, 0.6, np.inf)  # of the denoised crop, in units of the maximum
_FEW = 500  # voxels of a crop in a group, with fewer of which its share says nothing


def calibrate(crops: Sequence[Crop], half_widths: HalfWidths) -> list[float]:
    """The factor for each of `COVERAGES`, by risk control over the heads; a crop's loss is the share outside.

    Raises:
        ValueError: if there are too few crops.
    """
    ratios: list[list[np.ndarray]] = [[] for _ in COVERAGES]
    for crop in crops:
        head = crop.tissue > 0
        error = crop.error()[head]
        for found, width in zip(ratios, half_widths(crop), strict=True):
            found.append(np.sort(error / width[head]))

    def losses_at(found: list[np.ndarray], factor: float) -> np.ndarray:
        return np.asarray([1 - np.searchsorted(ratio, factor, side="right") / len(ratio) for ratio in found])

    return [
        controlled_factor(lambda factor, found=found: losses_at(found, factor), most=1 - share, doubt=DOUBT)  # type: ignore[misc]
        for found, share in zip(ratios, COVERAGES, strict=True)
    ]


def coverage(crops: Sequence[Crop], half_widths: HalfWidths) -> pd.DataFrame:
    """Rows ``group``, ``part``, a column for each of `COVERAGES`, its standard error, ``width`` (sigma) and ``crops``.

    The share of voxels whose error is within the half-width: the mean over crops. Groups are of all voxels of heads; by
    kind and level of the noise; by brightness, slope and half-width of the voxels; and air.
    """
    rows = []
    for crop in crops:
        widths, error = half_widths(crop), crop.error()
        inside = [error <= width for width in widths]
        for group, part, chosen in _groups(crop, widths[0]):
            if np.count_nonzero(chosen) >= _FEW:
                shares = [float(one[chosen].mean()) for one in inside]
                rows.append((group, part, *shares, float((widths[0] / crop.sigma)[chosen].mean())))
    names = [f"{share:.2f}" for share in COVERAGES]
    grouped = pd.DataFrame(rows, columns=["group", "part", *names, "width"]).groupby(["group", "part"], sort=False)
    table = grouped.mean()
    for name in names:
        table[f"{name}_error"] = grouped[name].sem()
    table["crops"] = grouped.size()
    return table.reset_index().sort_values(["group", "part"], kind="stable", ignore_index=True)


def _groups(crop: Crop, width: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    head = crop.tissue > 0
    yield "1 all", "heads", head
    yield "1 all", "air", ~head
    yield "2 kind", crop.kind, head
    low = next(limit for limit in (2, 5, 10, 20) if crop.level <= limit)
    yield "3 level", f"up to {low:2d} %", head
    for least, most in zip(_BRIGHT[:-1], _BRIGHT[1:], strict=True):
        yield "4 brightness", f"from {least:g}", head & (crop.denoised >= least) & (crop.denoised < most)
    slope = np.linalg.norm(np.gradient(crop.denoised), axis=0)
    for name, values in (("5 slope", slope), ("6 half-width", width / crop.sigma)):
        limits = np.quantile(values[head], (0.25, 0.5, 0.75))
        quarter = np.digitize(values, limits)
        for number in range(4):
            yield name, f"quarter {number + 1}", head & (quarter == number)


def coverage_table(rows: pd.DataFrame) -> str:
    """Markdown of what `coverage` gives: shares in percent with their standard errors, half-widths in sigma."""
    lines = [
        "| voxels | " + " | ".join(f"{100 * share:.0f} %" for share in COVERAGES) + " | half-width, sigma | crops |"
    ]
    lines.append("| --- |" + " --- |" * (len(COVERAGES) + 2))
    for row in rows.to_dict("records"):
        cells = [_share(row[f"{share:.2f}"], row[f"{share:.2f}_error"]) for share in COVERAGES]
        group = f"{row['group'].partition(' ')[2]}: {row['part']}"
        lines.append(f"| {group} | " + " | ".join(cells) + f" | {row['width']:.2f} | {row['crops']} |")
    return "\n".join(lines) + "\n"


def _share(value: float, error: float) -> str:
    return f"{100 * value:.1f}" + ("" if np.isnan(error) else f" ± {100 * error:.1f}")
