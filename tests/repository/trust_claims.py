"""What docs/trust.md and the model card say of `trust.csv`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from monai_unsup_denoise.benchmark.trust.page import misses, trust_page

ROOT = Path(__file__).parents[2]
PAGE, CARD = "docs/trust.md", "bundles/brain_mri_denoise/docs/README.md"
TRUST = pd.read_csv(ROOT / "docs/trust/trust.csv")
VALUES = TRUST.set_index(["method", "check", "group"])["value"]


def percent(check: str, *groups: str) -> list[str]:
    """Of our model, without decimals."""
    return [f"{100 * VALUES['ours', check, group]:.0f}" for group in groups]


def both(check: str, group: str) -> tuple[float, float]:
    """Before and after denoising."""
    return VALUES["noisy", check, group], VALUES["ours", check, group]


def claims() -> Iterator[tuple[str, str]]:
    """Page and the words that it must contain."""
    kept = {mm: percent("lesion contrast kept", f"{mm} mm, CNR 3", f"{mm} mm, CNR 8") for mm in (2, 4, 8)}
    yield (
        PAGE,
        f"keeps {kept[4][0]} % of its contrast if it is 3 times as bright as the noise, {kept[4][1]} % at 8 times",
    )
    yield PAGE, f"one of 2 mm {kept[2][0]} and {kept[2][1]} %; one of 8 mm {kept[8][0]} and {kept[8][1]} %"
    yield (
        CARD,
        f"a lesion of 4 mm keeps {kept[4][0]} % of its contrast if that is 3 sigma, and {kept[4][1]} % at 8 sigma",
    )
    yield CARD, f"of 2 mm, {kept[2][0]} and {kept[2][1]} %"
    before, after = both("lesion detection, AUC", "4 mm, CNR 3")
    yield PAGE, f"4 mm and 3 sigma with an AUC of {before:.2f} before and {after:.2f} after"
    yield (
        CARD,
        f"detects those of 3 sigma less well after denoising than before (AUC {after:.2f} and {before:.2f} at 4 mm)",
    )
    before, after = both("lesion detection, AUC", "2 mm, CNR 3")
    yield PAGE, f"those of 2 mm with {before:.2f} and {after:.2f}"
    before, after = both("one spot or two, AUC", "3 mm")
    yield PAGE, f"3 mm apart, from one with {before:.2f} before and {after:.2f} after"
    before, after = both("false alarms", "where 90 % of 4 mm, CNR 3 are found")
    yield PAGE, f"rise from {100 * before:.1f} to {100 * after:.1f} % of the places"
    yield PAGE, f"{-100 * VALUES['ours', 'contrast', 'grey and white matter']:.0f} % of the contrast of grey and white"
    off, noisy = (VALUES[method, "volume"].abs() * 100 for method in ("ours", "noisy"))
    yield PAGE, f"volumes off by {off.min():.0f} to {off.max():.0f} % by a classifier"
    yield PAGE, f"before denoising are off by {noisy.min():.0f} to {noisy.max():.0f} %"
    before, after = both("mean", "fat")
    yield (
        PAGE,
        f"mean of fat is {100 * after:.1f} % too high where 1 % was allowed; the noisy scan has {100 * before:.1f} %",
    )
    before, after = both("artefact", "ringing")
    yield PAGE, f"{100 * after:.0f} % of its energy is left, of {100 * before:.0f} % in the noisy scan"
    levels = TRUST[TRUST["level"].isna() & (TRUST["method"] == "ours")].set_index(["check", "group"])["value"]
    ratio = levels["NRMSE after / before"]
    yield PAGE, f"(to {ratio.min():.2f} to {ratio.max():.2f} of what it was)"
    yield PAGE, f"comes back at {levels['PSNR without noise'].min():.0f} dB or better"
    before, after = both("true frequency", "mean of patches")
    yield PAGE, f"up to {after:.2f} of the highest frequency, before up to {before:.2f}"
    missed = list(misses(TRUST))
    bounded = trust_page(TRUST).split("- ours meets ")[1].split(" ")[2]
    yield PAGE, f"Of {bounded} bounds, this model meets {int(bounded) - len(missed)}"
